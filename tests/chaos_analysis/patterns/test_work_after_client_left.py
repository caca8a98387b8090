"""`work_after_client_left`: calls that begin when nobody waits for their answer any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chaos_analysis.patterns import work_after_client_left
from tests.chaos_analysis import world

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.evidence import Evidence

    MakeEvidence = Callable[..., Evidence]

DEADLINE = 500.0  # ms


def _left(evidence: Evidence, after: float, *, clients: int = 1000, target: str | None = None) -> Evidence:
    """The first clients that met a fault gave up at the deadline; calls began so many seconds after that."""
    tables = evidence.tables
    rows, calls = tables.requests, tables.calls
    gone = rows["key"].isin(tables.faults["key"].drop_duplicates().head(clients))
    rows = rows.assign(
        error_class=rows["error_class"].mask(gone, "DeadlineError"),
        status=rows["status"].mask(gone, 0),
        response_ms=rows["response_ms"].mask(gone, DEADLINE),
    )
    began = dict(zip(rows["key"], rows["started"], strict=True))
    calls = calls.assign(started=[began[key] + DEADLINE / 1000 + after for key in calls["key"]])
    calls = calls.assign(target=target) if target else calls
    return replace(evidence, tables=replace(tables, requests=rows, calls=calls))


def test_calls_for_clients_that_have_left_are_named(make_evidence: MakeEvidence) -> None:
    """With their line, and how much later they began."""
    evidence = _left(make_evidence(requests=1500, rules=(world.FARES_SLOW,)), 1.0)
    one = next(one for one in work_after_client_left.find(evidence) if str(one.site) == "planner/fares.py:10")
    assert (one.evidence, one.severity, one.rules, one.rate.value) == ("direct", "medium", ("fares-slow",), 1.0)
    assert one.title.startswith("GET /api/destinations goes on working for clients that have left: GET 127.0.0.1/fares")
    assert "up to 1 s later" in one.title


def test_calls_before_the_client_left_are_what_it_waited_for(make_evidence: MakeEvidence) -> None:
    """So are those in the moment in which the app could not know yet."""
    evidence = make_evidence(requests=1500, rules=(world.FARES_SLOW,))
    assert list(work_after_client_left.find(_left(evidence, -0.2))) == []
    assert list(work_after_client_left.find(_left(evidence, 0.05))) == []


def test_four_clients_are_no_proof(make_evidence: MakeEvidence) -> None:
    """Fewer than five requests say nothing of the rest."""
    evidence = make_evidence(requests=1500, rules=(world.FARES_SLOW,))
    assert list(work_after_client_left.find(_left(evidence, 1.0, clients=4))) == []


def test_what_must_be_done_anyhow_does_not_count(make_evidence: MakeEvidence) -> None:
    """A transaction is rolled back for whoever comes next."""
    evidence = _left(make_evidence(requests=1500, rules=(world.FARES_SLOW,)), 1.0, target="ROLLBACK postgresql")
    assert list(work_after_client_left.find(evidence)) == []


def test_clients_that_stay_are_worked_for(make_evidence: MakeEvidence) -> None:
    """However slow it is."""
    assert list(work_after_client_left.find(make_evidence(requests=1500, rules=(world.FARES_SLOW,)))) == []
