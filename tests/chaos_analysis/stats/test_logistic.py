"""The logistic model: it finds what does it among causes that come together, and claims nothing that cannot be told."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from chaos_analysis.stats.logistic import effects


def _counts(rows: list[tuple[tuple[int, ...], int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    causes, hits, n = zip(*rows, strict=True)
    return np.array(causes, dtype=bool), np.array(hits), np.array(n)


def test_with_much_data_it_is_plain_logistic_regression() -> None:
    """The ridge is weak: shares agree with the unpenalised likelihood's, maximised by another method."""
    causes, hits, n = _counts([((0, 0), 100, 5000), ((1, 0), 900, 3000), ((0, 1), 150, 3000), ((1, 1), 450, 1000)])

    def missed(at: np.ndarray) -> float:
        logits = at[0] + causes @ at[1:]
        return float((n * np.logaddexp(0.0, logits) - hits * logits).sum())

    plain = minimize(missed, np.zeros(3), method="Nelder-Mead", options={"maxiter": 5000, "xatol": 1e-8}).x
    first, second = effects(causes, hits, n)
    assert [first.with_it, second.with_it] == pytest.approx(expit(plain[0] + plain[1:]), rel=0.01)
    assert first.without == pytest.approx(expit(plain[0]), rel=0.01)
    assert first.low < first.with_it < first.high
    assert first.p < 1e-6


def test_what_always_fails_is_told_from_what_comes_with_it() -> None:
    """The second cause is mostly met together with the lethal first, and does nothing."""
    first, second = effects(*_counts([((0, 0), 1, 500), ((1, 0), 20, 20), ((1, 1), 60, 60), ((0, 1), 0, 30)]))
    assert first.p < 0.001
    assert first.low > 0.5
    assert not (second.rises and second.p < 0.05)


def test_causes_that_always_come_together_cannot_be_told_apart() -> None:
    """One of them does it; neither is claimed."""
    found = effects(*_counts([((0, 0), 1, 500), ((1, 1), 60, 60)]))
    assert all(one.p > 0.05 for one in found)


def test_no_hit_at_all_is_no_effect() -> None:
    """Nothing failed: no cause, finite figures."""
    (one,) = effects(*_counts([((0,), 0, 500), ((1,), 0, 50)]))
    assert one.p > 0.2
    assert 0 <= one.low <= one.with_it <= one.high < 0.2


def test_a_cause_that_prevents_hits_does_not_rise() -> None:
    """A fault may also end a request before it could fail."""
    (one,) = effects(*_counts([((0,), 250, 500), ((1,), 2, 100)]))
    assert one.p < 0.001
    assert not one.rises


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """95 % of 100 made-up runs (a correct one has 88 or more with a probability of 99.8 %, one of 80 % with 3 %)."""
    rng, held = np.random.default_rng(5), 0
    causes = np.array([(0, 0), (1, 0), (0, 1), (1, 1)], dtype=bool)
    n = np.array([400, 40, 40, 60])
    truth = expit(-3 + causes @ np.array([2.0, 0.0]))
    for _ in range(100):
        first, _ = effects(causes, rng.binomial(n, truth), n)
        held += bool(first.low <= truth[1] <= first.high)
    assert held >= 88
