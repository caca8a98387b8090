"""A call that changes something was made again after its answer was lost: the work may be done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from chaos_analysis import wording
from chaos_analysis.patterns import _lacks, _words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Pattern

_CHANGES = ("POST ", "PATCH ")
_LATE = ("latency", "read_timeout", "slow_body")


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site, of faults after which nobody knows whether the other side has done its work."""
    table = evidence.outcomes
    lost = (table["phase"] == "after") | (table["fault"].isin(_LATE) & table["call_error"].notna())
    chosen = (table["seam"] == "http_client") & table["target"].str.startswith(_CHANGES, na=False) & lost
    for events in _lacks.firsts(evidence, chosen):
        hits = events.rows[(events.rows["attempts"] > 0) & _again(events.rows, evidence)]
        rate = _lacks.share(hits, events)
        if rate is not None:
            of = f"{wording.count(len(hits))} of {wording.count(len(events.rows))} requests"
            faults = _words.listed(sorted(hits["fault"].unique()))
            verb = events.target.partition(" ")[0]
            well = wording.count(int(hits["ok"].astype(bool).sum()))
            yield _lacks.pattern(
                "non_idempotent_retry",
                events,
                hits,
                rate,
                title=f"A {verb} to {events.service} is sent again when its answer is lost, and may be done"
                f" twice ({of})",
                summary=(
                    f"{events.site} repeats {events.target} after {faults}, when "
                    "the other side may have done its work. The calls have no idempotency key in common by which it "
                    f"could know that they are one: {of} sent it twice or more, {well} of them answered as if nothing "
                    "had been."
                ),
                severity="high",
                facts=(("sent again", wording.count(int(hits["attempts"].sum()))), ("answered well", well)),
            )


def _again(rows: pd.DataFrame, evidence: Evidence) -> pd.Series[bool]:
    """Whether the same line made the call again later in its request, without the key that the faulted call had."""
    calls = evidence.tables.calls
    calls = calls[calls["key"].isin(set(rows["key"]))].assign(dependency=evidence.call_names[1]["dependency"])
    place = ["key", "file", "line", "dependency"]
    chains = {at: chain.sort_values("started") for at, chain in calls.groupby(place)}
    found = [
        _unkeyed(chains.get((key, file, line, dependency)), event)
        for event, key, file, line, dependency in zip(rows["id"], *(rows[name] for name in place), strict=True)
    ]
    return pd.Series(found, index=rows.index, dtype=bool)


def _unkeyed(chain: pd.DataFrame | None, event: str) -> bool:
    if chain is None:
        return False
    met = [event in faults for faults in chain["faults"]]
    if True not in met:
        return False
    first, *later = chain["idempotency_key"].tolist()[met.index(True) :]
    return any(first is None or key != first for key in later)
