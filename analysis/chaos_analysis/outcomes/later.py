"""Failures that later requests suffered without a fault of their own: a poisoned session, dead connections, an
exhausted pool.

Only requests that the ledger has noted can be told: those of the sampled share, and those whose calls failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chaos_analysis.model import Estimate
from chaos_analysis.stats import adjusted, fisher, proportion

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence

WINDOW = 10.0  # seconds after a fault in which a failure may be its consequence
_SHOWN = 3


@dataclass(frozen=True)
class Later:
    """Fault-free requests that failed at a dependency within `WINDOW` seconds after a fault there.

    `dependency` is the seam and who is called. `rate` is their share among the noted fault-free requests of that time,
    `baseline` the same before any fault; `q` is the adjusted p-value for the former being no higher (Fisher), None
    without a baseline. `errors` are the exceptions that left the app, `keys` a few requests.
    """

    dependency: str
    failures: int
    rate: Estimate
    baseline: Estimate
    q: float | None
    errors: tuple[str, ...]
    keys: tuple[str, ...]


def later(evidence: Evidence) -> tuple[Later, ...]:
    """One for each dependency at which faults were, that fault-free requests failed at later; worst first."""
    events = evidence.outcomes[evidence.outcomes["call"] != ""]
    noted = _noted(evidence)
    found = [(name, *_counted(evidence, noted, rows, str(name))) for name, rows in events.groupby("peer")]
    tests = [fisher(len(failed), n, hits, of) if of else None for _, failed, n, hits, of in found]
    qs = iter(adjusted([p for p in tests if p is not None]))
    return tuple(
        sorted(
            (
                Later(
                    dependency=str(name),
                    failures=len(failed),
                    rate=proportion(len(failed), n),
                    baseline=proportion(hits, of),
                    q=next(qs) if p is not None else None,
                    errors=tuple(failed["error"].dropna().value_counts().index[:_SHOWN]),
                    keys=tuple(failed["key"].head(_SHOWN)),
                )
                for (name, failed, n, hits, of), p in zip(found, tests, strict=True)
            ),
            key=lambda one: (one.q if one.q is not None else 1.0, -one.failures),
        )
    )


def _noted(evidence: Evidence) -> pd.DataFrame:
    """The fault-free requests that the ledger has noted, once each, with how the client fared."""
    answers, rows = evidence.tables.answers, evidence.tables.requests
    last = answers[answers["sampled"]].drop_duplicates("key", keep="last")
    at = np.array([evidence.places.get(key, -1) for key in last["key"].tolist()], dtype=np.int64)
    table = last.assign(place=at)[at >= 0]
    at = at[at >= 0]
    table = table.assign(
        **{name: rows[name].to_numpy()[at] for name in ("ok", "control", "stage", "started", "after")},
    )
    return table[table["control"].astype(bool) | (table["after"] != "")]


def _counted(
    evidence: Evidence, noted: pd.DataFrame, events: pd.DataFrame, name: str
) -> tuple[pd.DataFrame, int, int, int]:
    """The noted requests after these events that failed there; how many there were; the same in the baseline."""
    times = np.sort(events["started"].to_numpy(float))
    started = noted["started"].to_numpy(float)
    before = np.searchsorted(times, started) - 1
    since = np.where(before >= 0, started - times[np.maximum(before, 0)], np.inf)
    failed = ~noted["ok"].astype(bool) & _points(evidence, noted, events, name)
    after = pd.Series(since <= WINDOW, index=noted.index) & (noted["stage"] != "baseline")
    early = noted["stage"] == "baseline"
    return noted[after & failed], int(after.sum()), int((early & failed).sum()), int(early.sum())


def _points(evidence: Evidence, noted: pd.DataFrame, events: pd.DataFrame, name: str) -> pd.Series[bool]:
    """Which requests failed there: a call failed, or an exception left the app from a function that calls it or of a
    class that faults there raise.
    """
    calls = evidence.tables.calls
    there = (evidence.call_names[1]["peer"] == name).to_numpy()
    broken = set(calls.loc[there & calls["error"].notna().to_numpy(), "key"])
    places = {*zip(calls.loc[there, "file"], calls.loc[there, "function"], strict=True)}
    classes = {*events["call_error"].dropna(), *(did for did in events["did"].dropna() if did[:1].isupper())}
    left: Any = zip(*(noted[column] for column in ("key", "error", "file", "function")), strict=True)
    points = [
        key in broken or (error is not None and ((file, function) in places or error in classes))
        for key, error, file, function in left
    ]
    return pd.Series(points, index=noted.index, dtype=bool)
