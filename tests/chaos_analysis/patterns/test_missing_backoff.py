"""`missing_backoff`: repetitions that give a fault no time to pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from chaos_analysis.patterns import missing_backoff
from tests.chaos_analysis import world

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.evidence import Evidence

    MakeEvidence = Callable[..., Evidence]


def _repeated(evidence: Evidence, waits: tuple[float, ...]) -> Evidence:
    table = evidence.outcomes
    every = pd.Series([waits] * len(table), index=table.index, dtype=object)
    evidence.__dict__["outcomes"] = table.assign(attempts=len(waits), waits=every)
    return evidence


def test_repetitions_at_once_are_named(make_evidence: MakeEvidence) -> None:
    """With their site, their number and what lay between them."""
    evidence = _repeated(make_evidence(requests=1500, rules=(world.FARES_DOWN,)), (0.001, 0.002))
    one = next(found for found in missing_backoff.find(evidence) if str(found.site) == "planner/fares.py:10")
    n = one.rate.n
    assert one.title == f"Fares is asked again without a pause: {2 * n} repetitions, 2 ms apart ({n} of {n} requests)"
    assert (one.severity, one.evidence, one.rate.value) == ("medium", "direct", 1.0)


@pytest.mark.parametrize("waits", [(0.0,), (0.0, 0.04), (0.0, 0.02, 0.04), ()])
def test_a_pause_after_the_first_repetition_is_enough(make_evidence: MakeEvidence, waits: tuple[float, ...]) -> None:
    """One repetition at once does no harm, and many libraries begin so."""
    evidence = _repeated(make_evidence(requests=1500, rules=(world.FARES_DOWN,)), waits)
    assert list(missing_backoff.find(evidence)) == []


def test_after_a_delay_no_further_pause_is_asked(make_evidence: MakeEvidence) -> None:
    """A timeout was waited out; that was one."""
    evidence = _repeated(make_evidence(requests=1500, rules=(world.FARES_SLOW,)), (0.0, 0.0))
    assert list(missing_backoff.find(evidence)) == []
