"""`no_retry`: a passing fault that the app did not try to get past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.patterns import no_retry
from tests.chaos_analysis import world

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.evidence import Evidence

    MakeEvidence = Callable[..., Evidence]

PASSING = {**world.FARES_DOWN, "persistence": "attempt"}


def test_a_call_that_is_not_repeated_is_named(make_evidence: MakeEvidence) -> None:
    """With its site and how many requests it failed; one whose failure the app hides has another defect first."""
    (one,) = no_retry.find(make_evidence(requests=1500, rules=(PASSING,)))
    assert (str(one.site), one.rate.value, one.evidence) == ("planner/fares.py:10", 1.0, "direct")
    assert one.title.startswith("Fares is not asked again after a passing fault: each one fails the request (")


def test_an_outage_asks_for_no_retry(make_evidence: MakeEvidence) -> None:
    """What meets every repetition too is no passing fault."""
    assert list(no_retry.find(make_evidence(requests=1500, rules=(world.FARES_DOWN,)))) == []


def test_a_post_is_not_to_be_repeated(make_evidence: MakeEvidence) -> None:
    """Its method says that a repetition may do the work twice."""
    assert list(no_retry.find(make_evidence(requests=1500, rules=(world.PAYMENTS_503,)))) == []


def test_a_few_events_are_no_proof(make_evidence: MakeEvidence) -> None:
    """Four that failed say less than that most do."""
    evidence = make_evidence(requests=1500, rules=(PASSING,))
    evidence.__dict__["outcomes"] = evidence.outcomes.groupby("file").head(4)
    assert list(no_retry.find(evidence)) == []


def test_a_repeated_call_is_silent(make_evidence: MakeEvidence) -> None:
    """Where it was made again, whatever came of it, there is a retry."""
    evidence = make_evidence(requests=1500, rules=(PASSING,))
    evidence.__dict__["outcomes"] = evidence.outcomes.assign(attempts=1)
    assert list(no_retry.find(evidence)) == []
