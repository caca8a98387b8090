"""Answers that only look good: a status that says so, over content that does not, or over a write that never happened.

A patch that answers 200 whatever happens must not pass for one that mends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chaos_analysis.outcomes.content import Contents
from chaos_analysis.tables.keys import among

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chaos_analysis.evidence import Evidence

WRITES = ("POST", "PUT", "PATCH", "DELETE", "INSERT", "UPDATE", "REPLACE", "MERGE", "COMMIT")
_BAD = 500  # a status from which a call did not do what it was to do


def hollow(evidence: Evidence, *beside: Evidence) -> NDArray[np.bool_]:
    """Which of the client's requests were answered well in appearance only, in the order of the requests.

    What the fault-free requests of `beside`, such as the other side of a pair, were answered counts as usual, too.
    """
    rows = evidence.tables.requests
    contents = Contents(evidence, beside).of(rows.index.to_series())
    words = np.array([content.word == "wrong" for content in contents], dtype=bool)
    lost = among(rows["key"], set(_lost_writes(evidence)))
    good = rows["ok"].to_numpy(bool) & (rows["status"] < 400).to_numpy(bool)
    return np.logical_and(good, words | lost)


def _lost_writes(evidence: Evidence) -> list[str]:
    """Keys of requests of which a state-changing call failed, each time that it was made."""
    calls = evidence.tables.calls
    verbs = calls["target"].astype(str).str.split(" ").str[0].str.upper()
    writes = calls[verbs.isin(WRITES)]
    failed = writes["error"].notna() | (writes["status"] >= _BAD)
    every = failed.groupby([writes["key"], writes["target"]]).all()
    return every.index.get_level_values(0)[every.to_numpy(bool)].tolist()
