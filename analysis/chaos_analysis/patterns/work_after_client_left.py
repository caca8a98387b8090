"""Calls that a request goes on making when its client has given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chaos_analysis import wording
from chaos_analysis.model import Pattern
from chaos_analysis.patterns import _words
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import pandas as pd

    from chaos_analysis.evidence import Evidence

_LEAST = 5
_SOON = 0.1  # seconds; the app hears of it later than the client decides it, and clocks differ between processes
_GAVE_UP = ("DeadlineError", "timeout", "TimeoutError")
_CLEANING = ("ROLLBACK", "RELEASE", "CONNECT", "PING", "DEL", "UNLINK", "UNWATCH")  # what must be done anyhow


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site that began calls for clients that had left, in at least five requests and most of those
    it made calls in.
    """
    rows, calls = evidence.tables.requests, evidence.tables.calls
    left = rows["error_class"].isin(_GAVE_UP) & (rows["status"] == 0) & rows["response_ms"].notna()
    at = evidence.call_rows
    gone = left.to_numpy(bool)[at] & (at >= 0) if len(rows) else at >= 0
    over = (rows["started"] + rows["response_ms"].fillna(0.0) / 1000).to_numpy(float)[at] if len(rows) else at
    late = gone & (calls["started"].to_numpy(float) > over + _SOON)
    late &= ~calls["target"].astype(str).str.partition(" ")[0].isin(_CLEANING).to_numpy() if len(calls) else True
    made = calls.assign(after=calls["started"].to_numpy(float) - over, late=late)[gone]
    for place, found in made[made["file"].notna()].groupby(["file", "line", "function"], sort=True):
        hits = found[found["late"]]
        n, of = hits["key"].nunique(), found["key"].nunique()
        rate = proportion(n, of)
        if n >= _LEAST and (rate.low or 0.0) > 0.5:
            yield _pattern(evidence, place, hits, rate)


def _pattern(evidence: Evidence, place: Any, hits: pd.DataFrame, rate: Any) -> Pattern:
    site = _words.site(*place)
    met = evidence.met(hits["key"])
    endpoints = met["endpoint"].value_counts()
    target = _words.grouped(evidence.call_names[1]["dependency"].to_numpy()[hits.index]) or ""
    n, last = hits["key"].nunique(), float(hits["after"].max())
    of = f"{wording.count(n)} of {wording.count(rate.n)}"
    rules = np.unique([rule for rules in met["rules"] for rule in rules])
    return Pattern(
        id=f"work_after_client_left:{site.file}:{site.function}" if site else "work_after_client_left",
        finder="work_after_client_left",
        title=f"{_words.listed(endpoints.index)} goes on working for clients that have left: {target} was called up to"
        f" {wording.seconds(last)} later ({of} requests)",
        summary=(
            f"{site} began {target} after the client had given up, in {of} requests that had lost theirs and came to "
            "it: nobody waits for the answer, and those who do wait share the worker and the dependency with it."
        ),
        evidence="direct",
        severity="medium",
        endpoint=str(endpoints.index[0]) if len(endpoints) == 1 else None,
        failures=0,
        rate=rate,
        rules=tuple(map(str, rules)),
        seam=str(hits["seam"].iloc[0]),
        target=target,
        site=site,
        facts=(
            ("endpoints", _words.endpoints(endpoints)),
            ("calls", wording.count(len(hits))),
            ("after the client had left", f"{wording.seconds(float(hits['after'].median()))} (median)"),
        ),
        keys=_words.keys(hits["key"]),
    )
