"""`unchecked_body`: bad answers that are taken for data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_analysis.patterns import unchecked_body, unmapped_error
from tests.chaos_analysis import world

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.evidence import Evidence

    MakeEvidence = Callable[..., Evidence]


def _misread(evidence: Evidence, **changed: object) -> Evidence:
    columns = {"call_error": None, "call_status": 503.0, "left_error": "KeyError", "frame": "planner/payments.py:12 f"}
    evidence.__dict__["outcomes"] = evidence.outcomes.assign(**{**columns, **changed})
    return evidence


def test_an_answer_that_nobody_looked_at_is_named(make_evidence: MakeEvidence) -> None:
    """With the call, what it answered, the exception and where that came from; it is not also called unmapped."""
    evidence = _misread(make_evidence(requests=1500, rules=(world.PAYMENTS_503,)))
    (one,) = unchecked_body.find(evidence)
    assert one.title.startswith("What Payments answers is used unchecked: bad answers end in KeyError (")
    assert (str(one.site), one.evidence, one.failures) == ("planner/payments.py:10", "direct", one.rate.n)
    assert "had answered with status 503" in one.summary
    assert "left the app from planner/payments.py:12 f" in one.summary
    assert list(unmapped_error.find(evidence)) == []


@pytest.mark.parametrize(
    "changed", [{"left_error": "HTTPError"}, {"call_error": "ReadTimeout"}, {"status": 502}, {"outcome": "handled"}]
)
def test_what_was_looked_at_is_silent(make_evidence: MakeEvidence, changed: dict[str, object]) -> None:
    """The status was checked, the call itself failed, or the app answered something else."""
    evidence = _misread(make_evidence(requests=1500, rules=(world.PAYMENTS_503,)), **changed)
    assert list(unchecked_body.find(evidence)) == []


def test_a_few_are_no_pattern(make_evidence: MakeEvidence) -> None:
    """Four requests are too few."""
    evidence = _misread(make_evidence(requests=1500, rules=(world.PAYMENTS_503,)))
    evidence.__dict__["outcomes"] = evidence.outcomes.head(4)
    assert list(unchecked_body.find(evidence)) == []
