"""`head_of_line_blocking`: others' slow calls hold up those that do not make them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from chaos_analysis.evidence import Evidence
from chaos_analysis.patterns import head_of_line_blocking
from tests.chaos_analysis import world

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeEvidence = Callable[..., Evidence]

DELAY = 1.5
SLOW = {
    **world.FARES_SLOW,
    "rate": 0.015,
    "match": {"path": ["/fares?to=moon"]},
    "fault": {"type": "latency", "distribution": "fixed", "seconds": DELAY},
}
HELD = "GET /api/bookings"


def _blocked(evidence: Evidence, endpoint: str) -> Evidence:
    """While a call is slow, requests of this endpoint to the same process take until it ends."""
    rows, reached = evidence.tables.requests.copy(), evidence.tables.reached
    part = rows["key"].map(dict(zip(reached["key"], reached["part"], strict=True)))
    slow = evidence.tables.calls[evidence.tables.calls["faults"].astype(bool)]
    for key, began in zip(slow["key"], slow["started"], strict=True):
        here = (part == part[rows["key"] == key].iloc[0]) & (rows["endpoint"] == endpoint) & rows["control"]
        during = here & (rows["started"] > began) & (rows["started"] < began + DELAY)
        waited = (began + DELAY - rows["started"]) * 1000
        rows.loc[during, "response_ms"] = np.maximum(rows["response_ms"], waited)[during]
    return Evidence(replace(evidence.tables, requests=rows), evidence.experiment, evidence.run)


def test_what_waits_behind_a_slow_call_is_named(make_evidence: MakeEvidence) -> None:
    """With the slow call's line, the endpoint that waits, and how often it does in times of slow calls and between."""
    evidence = _blocked(make_evidence(requests=6000, rules=(SLOW,)), HELD)
    found = {str(one.site): one for one in head_of_line_blocking.find(evidence)}
    one = found["planner/fares.py:10"]
    assert one.title.startswith("While Fares is slow, GET /api/bookings is held up, which does not call it (")
    assert (one.evidence, one.severity, one.endpoint) == ("causal", "high", HELD)
    assert one.slow > 5
    assert "0 of " in dict(one.facts)["held up between"]


def test_slow_calls_that_hold_nobody_up_are_silent(make_evidence: MakeEvidence) -> None:
    """Their own requests are slow, and that is another's finding."""
    assert list(head_of_line_blocking.find(make_evidence(requests=6000, rules=(SLOW,)))) == []


def test_who_calls_the_same_may_wait_for_it(make_evidence: MakeEvidence) -> None:
    """Requests of endpoints that use the dependency show nothing of those that do not."""
    evidence = make_evidence(requests=6000, rules=(SLOW,))
    assert list(head_of_line_blocking.find(_blocked(evidence, "GET /api/destinations"))) == []


def test_a_few_times_are_no_proof(make_evidence: MakeEvidence) -> None:
    """Fewer than five times that a call was slow."""
    evidence = _blocked(make_evidence(requests=1000, rules=(SLOW,)), HELD)
    assert list(head_of_line_blocking.find(evidence)) == []


def test_an_endpoint_that_is_slow_anyway_is_not_held_up(make_evidence: MakeEvidence) -> None:
    """It is as slow between."""
    evidence = make_evidence(requests=6000, rules=(SLOW,))
    rows = evidence.tables.requests.assign(response_ms=400.0)
    evidence = Evidence(replace(evidence.tables, requests=rows), evidence.experiment, evidence.run)
    assert list(head_of_line_blocking.find(evidence)) == []
