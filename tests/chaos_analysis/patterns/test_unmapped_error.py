"""`unmapped_error`: a dependency's exception that leaves the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.patterns import unmapped_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.evidence import Evidence

    MakeEvidence = Callable[..., Evidence]


def test_what_leaves_the_app_is_named_with_its_call(make_evidence: MakeEvidence) -> None:
    """The class, the site and how many; a call whose error is caught is not in it."""
    found = {str(one.site): one for one in unmapped_error.find(make_evidence(requests=1500))}
    assert set(found) == {"planner/fares.py:10", "planner/payments.py:10"}
    one = found["planner/payments.py:10"]
    assert one.title.startswith("Nothing turns errors of Payments into an answer: HTTPError leaves it as a 500 (")
    assert (one.severity, one.evidence) == ("medium", "direct")
    assert one.failures == one.rate.n


def test_an_answer_that_the_app_makes_is_silent(make_evidence: MakeEvidence) -> None:
    """A 503, or a 500 that no exception stands behind."""
    evidence = make_evidence(requests=1500)
    table = evidence.outcomes
    evidence.__dict__["outcomes"] = table.assign(status=table["status"].replace(500, 503))
    assert list(unmapped_error.find(evidence)) == []
    evidence.__dict__["outcomes"] = table.assign(left_error=None)
    assert list(unmapped_error.find(evidence)) == []
