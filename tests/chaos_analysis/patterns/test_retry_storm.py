"""`retry_storm`: what is in trouble is called many times over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_analysis.patterns import retry_storm
from tests.chaos_analysis import world

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.evidence import Evidence

    MakeEvidence = Callable[..., Evidence]


def test_calls_that_multiply_are_named(make_evidence: MakeEvidence) -> None:
    """With their site, how many there are in place of one, and in how many requests."""
    evidence = make_evidence(requests=1500, rules=(world.FARES_DOWN,))
    evidence.__dict__["outcomes"] = evidence.outcomes.assign(attempts=8)
    one = next(found for found in retry_storm.find(evidence) if str(found.site) == "planner/fares.py:10")
    assert one.title.startswith("Fares in trouble is called 9 times where once would do (")
    assert (one.rate.value, one.severity, one.failures) == (1.0, "high", one.rate.n)


@pytest.mark.parametrize("attempts", [0, 2, 3])
def test_a_few_attempts_are_no_storm(make_evidence: MakeEvidence, attempts: int) -> None:
    """Three repetitions and fewer are what careful clients make."""
    evidence = make_evidence(requests=1500, rules=(world.FARES_DOWN,))
    evidence.__dict__["outcomes"] = evidence.outcomes.assign(attempts=attempts)
    assert list(retry_storm.find(evidence)) == []


def test_the_faults_of_one_chain_are_one_event(make_evidence: MakeEvidence) -> None:
    """An outage meets each repetition; the request counts once."""
    evidence = make_evidence(requests=1500, rules=(world.FARES_DOWN,))
    once = evidence.outcomes.assign(attempts=8)
    again = once.assign(started=once["started"] + 0.1, attempts=7, alone=False)
    evidence.__dict__["outcomes"] = type(once)(
        {name: [*once[name], *again[name]] for name in once.columns}, index=range(2 * len(once))
    )
    assert {found.rate.n for found in retry_storm.find(evidence)} == set(
        once.loc[once["file"].notna()].groupby(["file", "line"])["key"].nunique()
    )


def test_a_request_with_another_fault_says_nothing(make_evidence: MakeEvidence) -> None:
    """Its repetitions may be due to that."""
    evidence = make_evidence(requests=1500, rules=(world.FARES_DOWN,))
    once = evidence.outcomes.assign(attempts=8)
    other = once.assign(file=None, line=None, dependency="", seam="wsgi")
    evidence.__dict__["outcomes"] = type(once)(
        {name: [*once[name], *other[name]] for name in once.columns}, index=range(2 * len(once))
    )
    assert list(retry_storm.find(evidence)) == []
