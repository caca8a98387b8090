"""Statistics: each method against an independent one, or against what it promises."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from chaos_analysis.stats import adjusted, detectable, fisher, larger, needed, proportion, quantile
from chaos_analysis.stats.quantile import need


@pytest.mark.parametrize(("hits", "n"), [(1, 10), (7, 50), (499, 500)])
def test_wilson_interval_solves_its_equation(hits: int, n: int) -> None:
    """At either end the share observed lies 1.96 standard errors, as that end would have them, away."""
    estimate = proportion(hits, n)
    for bound in (estimate.low, estimate.high):
        assert bound is not None
        assert abs(hits / n - bound) == pytest.approx(1.959964 * (bound * (1 - bound) / n) ** 0.5, rel=1e-4)


@pytest.mark.parametrize("n", [1, 12, 368])
def test_none_of_n_has_the_exact_upper_bound(n: int) -> None:
    """With no failure in n, rates above 1 - 0.025^(1/n) are ruled out."""
    estimate = proportion(0, n)
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert estimate.high == pytest.approx(1 - 0.025 ** (1 / n))


def test_a_share_of_nothing_has_no_value() -> None:
    """Without observations there is no figure, and it takes one."""
    estimate = proportion(0, 0)
    assert (estimate.value, estimate.n, estimate.need) == (None, 0, 1)


@pytest.mark.parametrize(("p", "n"), [(0.5, 6), (0.95, 72), (0.99, 368), (0.999, 3688)])
def test_a_quantile_needs_as_many_values_as_its_interval(p: float, n: int) -> None:
    """One value fewer and there is no figure but the number needed; with it, there is an interval."""
    values = np.arange(n, dtype=float)
    assert need(p) == n
    assert quantile(values, p).value is not None
    short = quantile(values[:-1], p)
    assert (short.value, short.need) == (None, n)


@pytest.mark.parametrize("p", [0.5, 0.95, 0.99])
def test_quantile_interval_agrees_with_scipy(p: float) -> None:
    """The same order statistics as scipy's quantile_test."""
    values = np.sort(np.random.default_rng(7).lognormal(size=2000))
    ours, theirs = quantile(values, p), scipy_stats.quantile_test(values, p=p).confidence_interval(0.95)
    assert (ours.low, ours.high) == (theirs.low, theirs.high)


def test_quantile_interval_holds_the_truth_95_times_in_100() -> None:
    """Coverage of p95 over 400 samples of 200; a correct interval is below 92 % with a chance of 0.3 %."""
    generator = np.random.default_rng(11)
    truth = float(scipy_stats.lognorm.ppf(0.95, 1.0))
    held = 0
    for _ in range(400):
        estimate = quantile(np.sort(generator.lognormal(size=200)), 0.95)
        held += (estimate.low or 0.0) <= truth <= (estimate.high or 0.0)
    assert held / 400 >= 0.92


@pytest.mark.parametrize("table", [(5, 10, 2, 40), (0, 8, 0, 9), (30, 30, 0, 300)])
def test_fisher_agrees_with_scipy(table: tuple[int, int, int, int]) -> None:
    """One-sided: is the first group's share higher?"""
    hits, n, control_hits, control_n = table
    cells = [[hits, n - hits], [control_hits, control_n - control_hits]]
    assert fisher(*table) == pytest.approx(scipy_stats.fisher_exact(cells, alternative="greater").pvalue)


def test_many_tests_at_once_are_adjusted() -> None:
    """One p-value of 0.04 among twenty is nothing; nothing to adjust is no error."""
    assert min(adjusted([0.04, *[0.5] * 19])) > 0.05
    assert adjusted([]) == []


def test_power_says_what_a_simulation_finds() -> None:
    """A rise of the detectable size is significant in about 80 % of simulated runs (400; 0.72 is four deviations)."""
    n, control_n, base = 60, 600, 0.05
    rise = detectable(n, control_n, base)
    assert rise is not None
    generator = np.random.default_rng(3)
    found = [
        scipy_stats.fisher_exact([[k, n - k], [c, control_n - c]]).pvalue < 0.05
        for k, c in zip(generator.binomial(n, base + rise, 400), generator.binomial(control_n, base, 400), strict=True)
    ]
    assert 0.72 < np.mean(found) < 0.95


def test_needed_and_detectable_are_each_others_inverse() -> None:
    """So many requests are needed to see the rise that so many can detect."""
    rise = detectable(40, 500, 0.02)
    assert rise is not None
    assert needed(500, 0.02, rise) == pytest.approx(40, abs=1)


def test_a_larger_run_has_both_groups_larger() -> None:
    """As many times as large as said, they show the rise; a little smaller, they do not."""
    factor = larger(4, 60, 0.1, 0.2)
    assert factor is not None
    size, control = round(4 * factor), round(60 * factor)
    assert detectable(size + 1, control + 15, 0.1) == pytest.approx(0.2, abs=0.01)
    assert (detectable(size - 5, control - 75, 0.1) or 1.0) > 0.2
    assert larger(0, 60, 0.1, 0.2) is None
    assert larger(4, 60, 1.0, 0.2) is None


def test_too_few_can_detect_nothing() -> None:
    """Nobody, and one against one, can show no rise at all."""
    assert detectable(0, 500, 0.0) is None
    assert detectable(1, 1, 0.0) is None
    assert needed(1, 0.0, 0.1) is None
