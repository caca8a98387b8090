"""`wrong_content` where no check of the client's noticed; where one did: test_patterns.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_analysis.patterns import wrong_content
from tests.chaos_analysis import world

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.evidence import Evidence

    MakeEvidence = Callable[..., Evidence]

ABOUT = "another content than all fault-free answers to this address had"


def _unnoticed(evidence: Evidence, **changed: object) -> Evidence:
    """All events at calls ended in an answer that the client took for right."""
    columns = {"outcome": "wrong", "ok": True, "why": ABOUT, "judged": "content", "call_error": "ConnectionError"}
    evidence.__dict__["outcomes"] = evidence.outcomes.assign(**{**columns, **changed})
    return evidence


def test_what_nobody_noticed_is_named(make_evidence: MakeEvidence) -> None:
    """With the call whose error was swallowed and how the answer was told to be wrong; no failure is counted."""
    evidence = _unnoticed(make_evidence(requests=1500, rules=(world.PAYMENTS_503,)))
    (one,) = wrong_content.find(evidence)
    assert one.title.startswith(
        "POST /api/bookings answers with made-up content when Payments has trouble, and no check notices ("
    )
    assert (str(one.site), one.severity, one.evidence) == ("planner/payments.py:10", "high", "causal")
    assert (one.failures, one.rate.value) == (0, 0.0)
    assert ABOUT in one.summary


@pytest.mark.parametrize("changed", [{"outcome": "degraded"}, {"fault": "stale_value", "call_error": None}])
def test_what_is_marked_or_no_error_is_silent(make_evidence: MakeEvidence, changed: dict[str, object]) -> None:
    """An answer that says what it lacks swallows nothing; a stale value is no error that could be swallowed."""
    evidence = _unnoticed(make_evidence(requests=1500, rules=(world.PAYMENTS_503,)), **changed)
    assert list(wrong_content.find(evidence)) == []


def test_a_call_is_named_once(make_evidence: MakeEvidence) -> None:
    """Where a check noticed some, that is the finding."""
    evidence = make_evidence(requests=1500)
    assert evidence.causes is not None  # worked out before the outcomes are changed
    there = {"file": "planner/fares.py", "line": 18.0, "function": "quote_or_none"}
    assert len(list(wrong_content.find(_unnoticed(evidence, **there)))) == 1
