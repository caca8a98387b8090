"""`no_rollback`, `stale_pool`, `pool_wait`, `no_statement_timeout`: what faults of a database do, told once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from chaos_analysis.patterns import (
    collateral,
    error_rate,
    no_rollback,
    no_statement_timeout,
    pool_wait,
    slow_recovery,
    stale_pool,
    tail_latency,
)
from tests.chaos_analysis import world

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.evidence import Evidence

    MakeEvidence = Callable[..., Evidence]

FINDER = {"poisoned": no_rollback, "stale": stale_pool, "exhausted": pool_wait}
FAULT = {"poisoned": "statement_error", "stale": "stale_connections", "exhausted": "pool_exhaustion"}


def _left_behind(evidence: Evidence, kind: str) -> Evidence:
    """Every failure of a request without a fault is put to the first fault of the run, which is of this kind."""
    tables = evidence.tables
    rows = tables.requests
    hit = ~rows["ok"] & rows["control"] & (rows["stage"] != "baseline")
    rows = rows.assign(
        after=rows["after"].mask(hit, kind), because=rows["because"].mask(hit, 0), control=rows["control"] & ~hit
    )
    faults = tables.faults.assign(fault=FAULT[kind], seam="database", target="SELECT stock 01234567")
    return replace(evidence, tables=replace(tables, requests=rows, faults=faults))


@pytest.mark.parametrize("kind", list(FINDER))
def test_failures_that_an_earlier_fault_explains_have_one_finder(make_evidence: MakeEvidence, kind: str) -> None:
    """With the fault's rule, directly; nobody else counts them."""
    evidence = make_evidence(requests=1500, collateral=0.5, rules=(world.FARES_DOWN,))
    assert [one.finder for one in collateral.find(evidence)] == ["collateral"]
    told = _left_behind(evidence, kind)
    (one,) = FINDER[kind].find(told)
    assert (one.evidence, one.severity, one.rules) == ("direct", "high", ("fares-down",))
    assert one.failures == int((told.rows["after"] == kind).sum())
    assert list(collateral.find(told)) == []
    assert all(found.severity == "low" for found in error_rate.find(told) if found.endpoint == one.endpoint)


def test_what_goes_on_after_the_faults_is_told_by_its_finder(make_evidence: MakeEvidence) -> None:
    """`slow_recovery` leaves it to the one that knows why."""
    evidence = make_evidence(requests=1500, slow_recovery=10.0, rules=(world.FARES_DOWN,))
    assert next(slow_recovery.find(evidence)).failures > 0
    (one,) = no_rollback.find(_left_behind(evidence, "poisoned"))
    assert "of these after the faults had ended" in dict(one.facts)
    assert all(found.failures == 0 for found in slow_recovery.find(_left_behind(evidence, "poisoned")))


@pytest.mark.parametrize("kind", list(FINDER))
def test_without_such_failures_there_is_no_finding(make_evidence: MakeEvidence, kind: str) -> None:
    """Requests fail by faults of their own, and nothing is left behind."""
    evidence = _left_behind(make_evidence(requests=1500, rules=(world.FARES_DOWN,)), kind)
    assert list(FINDER[kind].find(evidence)) == []


def test_an_app_that_says_it_has_no_connection_is_told_quietly(make_evidence: MakeEvidence) -> None:
    """A 503 of a used up pool is what it should answer."""
    evidence = _left_behind(make_evidence(requests=1500, collateral=0.5, rules=(world.FARES_DOWN,)), "exhausted")
    rows = evidence.tables.requests
    status = rows["status"].mask(rows["after"] != "", 503)
    tables = replace(evidence.tables, requests=rows.assign(status=status), answers=evidence.tables.answers.iloc[:0])
    (one,) = pool_wait.find(replace(evidence, tables=tables))
    assert one.severity == "low"


def _waits(evidence: Evidence, fault: str, **columns: Any) -> Evidence:
    """The faults are waits of a database of this type, which the app passed on whole."""
    table = evidence.outcomes
    told = {"seam": "database", "fault": fault, "asked": 1.0, "injected": 1.0, "response_ms": 1100.0}
    told |= {"call_error": None, "dependency": "SELECT stock", "outcome": "handled", **columns}
    evidence.__dict__["outcomes"] = table.assign(
        **{name: pd.Series([value] * len(table), index=table.index) for name, value in told.items()}
    )
    return evidence


@pytest.mark.parametrize(
    ("finder", "fault"),
    [
        (no_statement_timeout, "slow_statement"),
        (no_statement_timeout, "lock_contention"),
        (pool_wait, "pool_exhaustion"),
    ],
)
def test_a_wait_that_passed_whole_is_named(make_evidence: MakeEvidence, finder: Any, fault: str) -> None:
    """With its line and its length; one that hung is critical."""
    evidence = _waits(make_evidence(requests=1500, rules=(world.FARES_SLOW,)), fault)
    one = next(one for one in finder.find(evidence) if str(one.site) == "planner/fares.py:10")
    assert (one.severity, one.rate.value, dict(one.facts)["injected wait"]) == ("high", 1.0, "1 s")
    hung = _waits(evidence, fault, outcome="hung", injected=0.2)
    assert {one.severity for one in finder.find(hung)} == {"critical"}


@pytest.mark.parametrize("finder", [no_statement_timeout, pool_wait])
@pytest.mark.parametrize(
    "columns",
    [
        {"call_error": "QueryCanceled", "injected": 0.3},
        {"call_error": "TimeoutError"},
        {"response_ms": 300.0},
        {"asked": 0.2, "injected": 0.2},
    ],
    ids=str,
)
def test_a_wait_that_was_ended_or_is_short_is_none(
    make_evidence: MakeEvidence, finder: Any, columns: dict[str, Any]
) -> None:
    """By the database's limit, the pool's, or the app's own; and nobody limits what is over in a moment."""
    fault = "slow_statement" if finder is no_statement_timeout else "pool_exhaustion"
    assert list(finder.find(_waits(make_evidence(requests=1500, rules=(world.FARES_SLOW,)), fault, **columns))) == []


def test_a_slow_network_is_no_statement_that_lacks_a_limit(make_evidence: MakeEvidence) -> None:
    """The database's limits do not end it; only where the client gave up is it told here."""
    evidence = _waits(make_evidence(requests=1500, rules=(world.FARES_SLOW,)), "latency")
    assert list(no_statement_timeout.find(evidence)) == []
    assert list(no_statement_timeout.find(_waits(evidence, "latency", outcome="hung")))


def test_waits_beside_a_held_pool_are_explained(make_evidence: MakeEvidence) -> None:
    """Slow answers without a fault that waited for the same pool are the fault's, not a tail of their own."""
    evidence = make_evidence(requests=3000, rules=(world.FARES_SLOW,))
    tables = evidence.tables
    rows = tables.requests
    slow = (rows["stage"] == "chaos") & (rows["endpoint"] == "GET /api/bookings") & rows["ok"]
    rows = rows.assign(response_ms=rows["response_ms"].mask(slow, 2000.0))
    told = replace(evidence, tables=replace(tables, requests=rows))
    assert {one.severity for one in tail_latency.find(told) if one.endpoint == "GET /api/bookings"} == {"high"}
    calls = tables.calls.iloc[:1].loc[lambda one: one.index.repeat(int(slow.sum()))].reset_index(drop=True)
    calls = calls.assign(
        key=rows.loc[slow, "key"].to_numpy(),
        target="CHECKOUT postgresql",
        seconds=1.0,
        started=rows.loc[slow, "started"].to_numpy(),
    )
    faults = tables.faults.assign(fault="pool_exhaustion", seam="database")
    faults = pd.concat([faults, faults.tail(1).assign(key="last", started=0.0, finished=world.STARTED * 2)])
    held = replace(evidence, tables=replace(tables, requests=rows, calls=calls, faults=faults))
    assert {one.severity for one in tail_latency.find(held) if one.endpoint == "GET /api/bookings"} == {"low"}


def test_a_dead_connection_that_poisons_a_session_is_put_to_where_the_errors_came_from(
    make_evidence: MakeEvidence,
) -> None:
    """The fault was met at whichever checkout came first; nothing is wrong there."""
    told = _left_behind(make_evidence(requests=1500, collateral=0.5, rules=(world.FARES_DOWN,)), "poisoned")
    (failing,) = no_rollback.find(told)
    tables, keys = told.tables, told.rows.loc[told.rows["after"] == "poisoned", "key"]
    answers = pd.DataFrame({"key": keys, "error": "PendingRollbackError", "file": "reports.py", "line": 30.0})
    answers = answers.assign(function="top", error_text="")
    faults = tables.faults.assign(fault="stale_connections")
    (one,) = no_rollback.find(replace(told, tables=replace(tables, faults=faults, answers=answers)))
    assert failing.site is not None
    assert (failing.site.file, str(one.site)) == ("planner/fares.py", "reports.py:30")
    assert one.failures == failing.failures
