"""Paired statistics, against scipy's tests, formulas done by hand, and simulation."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy import stats as scipy_stats

from chaos_analysis.stats.paired import difference, mcnemar, mean, pairs_needed, ratio


@pytest.mark.parametrize(("rescued", "broken"), [(0, 0), (1, 0), (5, 0), (6, 0), (0, 6), (10, 3), (40, 40), (300, 200)])
def test_mcnemar_is_the_exact_binomial_test(rescued: int, broken: int) -> None:
    """Two-sided, of the discordant pairs; without any there is nothing to tell."""
    n = rescued + broken
    exact = scipy_stats.binomtest(rescued, n).pvalue if n else 1.0
    assert mcnemar(rescued, broken) == pytest.approx(exact)


def test_the_difference_has_the_interval_of_bonett_and_price() -> None:
    """Done by hand from their formula, with one added to each discordant count and two to all: 12 and 4 of 100."""
    up, down = 5 / 102, 13 / 102
    reach = 1.959964 * sqrt((up + down - (up - down) ** 2) / 102)
    found = difference(12, 4, 100)
    assert found.value == pytest.approx(-0.08)
    assert (found.low, found.high) == pytest.approx((up - down - reach, up - down + reach), abs=1e-6)
    assert found.low < found.value < found.high


def test_the_difference_of_nothing() -> None:
    """No pairs, no figure; pairs that all agree leave an interval about 0; it never leaves -1 to 1."""
    assert difference(0, 0, 0).value is None
    same = difference(0, 0, 50)
    assert same.value == 0
    assert same.low == pytest.approx(-(same.high or 0))
    assert difference(5, 0, 5).low == -1.0


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """4,000 samples of 60 pairs with 15 % rescued and 5 % broken: in at least 94 of a hundred, not in all."""
    draws = np.random.default_rng(1).multinomial(60, [0.15, 0.05, 0.8], size=4000)
    held = [(e.low or 0) <= -0.1 <= (e.high or 0) for e in (difference(int(r), int(b), 60) for r, b, _ in draws)]
    assert 0.94 <= np.mean(held) < 0.995


@pytest.mark.parametrize(("rescued", "broken"), [(10, 2), (6, 2), (30, 20)])
def test_the_pairs_needed_show_such_a_difference_four_times_in_five(rescued: int, broken: int) -> None:
    """Simulated: with that many pairs McNemar's test, without its exactness' reserve, finds it in 75 to 85 of 100."""
    needed = pairs_needed(rescued, broken, 100)
    assert needed is not None
    draws = np.random.default_rng(2).multinomial(needed, [rescued / 100, broken / 100, 1], size=4000)
    apart, both = np.abs(draws[:, 0] - draws[:, 1]), draws[:, 0] + draws[:, 1]
    power = float(np.mean(apart > 1.959964 * np.sqrt(both)))
    assert 0.75 < power < 0.85


def test_without_a_difference_no_number_shows_one() -> None:
    """None, instead of a division by zero."""
    assert pairs_needed(3, 3, 100) is None
    assert pairs_needed(0, 0, 100) is None


def test_a_mean_is_students() -> None:
    """Interval and p-value are scipy's; one value has neither, and equal values are certain."""
    values = [0.1, 0.3, -0.2, 0.4, 0.2, 0.25]
    found, test = mean(values), scipy_stats.ttest_1samp(values, 0)
    assert found.p == pytest.approx(test.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(test.confidence_interval()))
    assert mean([2.0]) == (2.0, None, None, None)
    assert mean([2.0, 2.0]) == (2.0, 2.0, 2.0, 0.0)
    assert mean([0.0, 0.0]).p == 1.0


def test_a_ratio_is_the_t_test_of_logarithms() -> None:
    """The geometric mean, with the ends of scipy's interval of the logarithms."""
    first, second = np.array([100.0, 110, 90, 105]), np.array([150.0, 140, 160, 155])
    logs = np.log(second / first)
    test = scipy_stats.ttest_1samp(logs, 0)
    found, p = ratio(first.tolist(), second.tolist())
    assert found.value == pytest.approx(float(np.exp(logs.mean())))
    assert (found.low, found.high) == pytest.approx(tuple(np.exp(test.confidence_interval())))
    assert p == pytest.approx(test.pvalue)
