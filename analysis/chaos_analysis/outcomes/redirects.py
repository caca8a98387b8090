"""Answers that led elsewhere: a redirect, followed as a user would, to where fault-free requests do not end."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence

_ENOUGH = 10  # noted fault-free requests before it is known where they end
_FEW = 3  # more different ends than these, and another one is nothing new


def strayed(evidence: Evidence) -> dict[str, str]:
    """The routes at which requests with a fault ended after a redirect, by key, where fault-free ones never do."""
    answers, rows = evidence.tables.answers, evidence.tables.requests
    turned = (answers["status"] >= 300) & (answers["status"] < 400)
    if not turned.any():
        return {}
    ends = answers[~turned]
    at = np.array([evidence.places.get(key, -1) for key in ends["key"].tolist()], dtype=np.int64)
    ends, at = ends[at >= 0], at[at >= 0]
    well = rows["control"].to_numpy(bool)[at] & rows["ok"].to_numpy(bool)[at]
    endpoints = rows["endpoint"].to_numpy()[at]
    usual: dict[str, Counter[str]] = defaultdict(Counter)
    for endpoint, route in zip(endpoints[well], ends["route"].to_numpy()[well], strict=True):
        usual[endpoint][route] += 1
    redirected = set(answers.loc[turned, "key"])
    told = zip(ends["key"].tolist(), endpoints.tolist(), ends["route"].tolist(), strict=True)
    return {key: route for key, endpoint, route in told if key in redirected and _new(route, usual[endpoint])}


def _new(route: str, usual: Counter[str]) -> bool:
    return route not in usual and usual.total() >= _ENOUGH and len(usual) <= _FEW
