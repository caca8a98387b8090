"""Timeouts from what healthy calls took."""

from __future__ import annotations

import pytest

from chaos_analysis.fixes._bound import CONNECT_FLOOR, NEED, READ_FLOOR, bound


def test_too_few_calls_give_no_timeout() -> None:
    """71 calls support no quantile with a finite bound, 72 the p95."""
    assert NEED == 72
    assert bound([0.5] * 71) is None
    found = bound([0.5] * 72)
    assert found is not None
    assert "p95 of 72 fault-free calls" in found.told


@pytest.mark.parametrize(("n", "quantile", "factor"), [(367, "p95", 3.0), (368, "p99", 2.0), (3687, "p99", 2.0)])
def test_the_highest_quantile_that_n_supports_counts(n: int, quantile: str, factor: float) -> None:
    """The timeout is that quantile's upper bound times its factor: among equal calls, their time times the factor."""
    found = bound([0.5] * n)
    assert found is not None
    assert quantile in found.told
    assert found.read == pytest.approx(0.5 * factor)


def test_the_bound_is_the_order_statistic_of_the_binomial() -> None:
    """Of 3,688 calls the p99.9's 95 % upper bound is the largest: 1.5 times that, rounded up to 0.05 s."""
    found = bound([index / 1000 for index in range(1, 3689)])
    assert found is not None
    assert found.read == pytest.approx(5.55)  # 3.688 * 1.5 = 5.532
    assert found.connect == found.read


def test_fast_calls_still_survive_one_lost_packet() -> None:
    """However fast the calls were, the timeouts stay above the time in which a lost packet is sent again."""
    found = bound([0.001] * 400)
    assert found is not None
    assert (found.connect, found.read) == (CONNECT_FLOOR, READ_FLOOR)
