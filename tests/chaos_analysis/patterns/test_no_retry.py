"""`no_retry`: a passing fault that the app did not try to get past."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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


def _cut_short(evidence: Evidence, **changed: object) -> Evidence:
    """The faults were bodies cut short, over which the client library stumbled, unless `changed` says otherwise."""
    columns = {"fault": "truncated_body", "call_error": None, "left_error": "ChunkedEncodingError", "status": 500.0}
    evidence.__dict__["outcomes"] = evidence.outcomes.assign(**{**columns, **changed})
    return evidence


def test_a_body_cut_short_may_be_asked_for_again(make_evidence: MakeEvidence) -> None:
    """The library says that it is not whole, and the next one may be."""
    (one,) = no_retry.find(_cut_short(make_evidence(requests=1500, rules=(PASSING,))))
    assert (str(one.site), one.faults) == ("planner/fares.py:10", ("truncated_body",))


@pytest.mark.parametrize("changed", [{"left_error": "JSONDecodeError"}, {"outcome": "lost"}])
def test_a_body_that_was_taken_as_it_came_asks_for_no_retry(
    make_evidence: MakeEvidence, changed: dict[str, object]
) -> None:
    """Nobody saw that it was cut, or the client had a part of the answer when somebody did."""
    assert list(no_retry.find(_cut_short(make_evidence(requests=1500, rules=(PASSING,)), **changed))) == []
