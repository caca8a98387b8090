"""`no_transaction_retry`: a transaction that others' success has turned away, given up at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chaos_analysis.patterns import no_transaction_retry
from chaos_middleware.experiment import parse
from tests.chaos_analysis import world

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.evidence import Evidence

    MakeEvidence = Callable[..., Evidence]


def _conflicts(make_evidence: MakeEvidence, kind: str, persistence: str = "attempt", **columns: Any) -> Evidence:
    """The faults are of a database: a statement's error of this kind."""
    evidence = make_evidence(requests=1500, rules=({**world.FARES_DOWN, "persistence": "attempt"},))
    changed = evidence.outcomes.assign(
        seam="database", fault="statement_error", dependency="SELECT stock", call_error="OperationalError", **columns
    )
    rule = {"name": "fares-down", "seam": "database", "fault": {"type": "statement_error", "kind": kind}}
    evidence.__dict__.update(outcomes=changed, experiment=_experiment({**rule, "persistence": persistence}))
    return evidence


def _experiment(rule: dict[str, Any]) -> Any:
    return parse({"version": 1, "seed": 1, "rules": [{"rate": 0.1, **rule}]}, "test")


@pytest.mark.parametrize(
    ("kind", "called"),
    [
        ("serialization_failure", "serialization failure"),
        ("deadlock", "deadlock"),
        ("locked", "database is locked"),
    ],
)
def test_a_transaction_that_was_tried_once_is_named(make_evidence: MakeEvidence, kind: str, called: str) -> None:
    """With its line, and what the database said."""
    found = list(no_transaction_retry.find(_conflicts(make_evidence, kind)))
    one = next(one for one in found if str(one.site) == "planner/fares.py:10")
    assert (one.severity, one.rate.value) == ("critical", 1.0)
    assert one.title.startswith(f"A transaction is not tried again after a {called}: each one fails GET")


@pytest.mark.parametrize("kind", ["unique_violation", "read_only", "disconnect", "statement_timeout"])
def test_other_errors_ask_for_no_repetition(make_evidence: MakeEvidence, kind: str) -> None:
    """The next attempt would end the same, or nobody knows what became of the first."""
    assert list(no_transaction_retry.find(_conflicts(make_evidence, kind))) == []


def test_a_lock_timeout_was_waited_out_already(make_evidence: MakeEvidence) -> None:
    """PostgreSQL's `locked` is the app's own limit; SQLite's has no class of its own."""
    evidence = _conflicts(make_evidence, "locked")
    evidence.__dict__["outcomes"] = evidence.outcomes.assign(call_error="LockNotAvailable")
    assert list(no_transaction_retry.find(evidence)) == []


def test_a_transaction_that_was_tried_again_is_silent(make_evidence: MakeEvidence) -> None:
    """Whatever came of it."""
    assert list(no_transaction_retry.find(_conflicts(make_evidence, "deadlock", attempts=1))) == []


def test_what_would_fail_again_asks_for_no_repetition(make_evidence: MakeEvidence) -> None:
    """With persistence `request` each attempt of the request meets it."""
    assert list(no_transaction_retry.find(_conflicts(make_evidence, "deadlock", "request"))) == []


def test_a_service_that_says_so_itself_is_told_quietly(make_evidence: MakeEvidence) -> None:
    """Its own caller can ask again."""
    found = no_transaction_retry.find(_conflicts(make_evidence, "deadlock", status=503.0, left_error=None))
    assert {one.severity for one in found} == {"low"}
