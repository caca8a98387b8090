"""Which of several causes that come together does it: a logistic model with a ridge, fitted to counts.

Hits follow a binomial whose logit is an intercept and one coefficient a cause. Coefficients are drawn towards 0 (a
normal prior of standard deviation 5 logits; Le Cessie, van Houwelingen 1992), so that causes which always end in a hit,
or always come together, have finite ones. Tests and intervals are by the profile of the penalised likelihood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import chdtrc, expit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_PRIOR = 1 / 5.0**2
_PRIOR_INTERCEPT = 1 / 10.0**2
_LIMIT = 3.841458820694124  # the 95 % point of chi-square with one degree of freedom
_STEPS = 50
_NOTHING = 1e-9
_HALVINGS = 12
_FAR = 60.0  # logits beyond which a bound is as good as none


class Effect(NamedTuple):
    """A cause's share of hits alone, `with_it`, its 95 % interval, and the share with no cause; `p` tests whether the
    coefficient is 0 (likelihood ratio), `rises` says which way it goes.
    """

    with_it: float
    low: float
    high: float
    without: float
    p: float
    rises: bool


class _Counts(NamedTuple):
    """Combinations (the first column is the intercept's), how often each hit and was met, and the ridge."""

    whole: NDArray[np.float64]
    hits: NDArray[np.int_]
    n: NDArray[np.int_]
    prior: NDArray[np.float64]

    def turned(self, at: int) -> _Counts:
        """The same, with the logit of this cause alone in the place of its coefficient."""
        turn = np.eye(len(self.prior))
        turn[at, 0] = -1.0
        return self._replace(whole=self.whole @ turn, prior=turn.T @ self.prior @ turn)


def effects(causes: NDArray[np.bool_], hits: NDArray[np.int_], n: NDArray[np.int_]) -> list[Effect]:
    """The effect of each column of `causes`; a row is a combination of causes met `n` times, with so many `hits`."""
    whole = np.column_stack([np.ones(len(n)), causes]).astype(float)
    prior = np.diag([_PRIOR_INTERCEPT] + [_PRIOR] * causes.shape[1])
    counts = _Counts(whole, hits, n, prior)
    best, likelihood = _fit(counts, np.zeros(len(prior)), None)
    return [_effect(counts, best, likelihood, at) for at in range(1, len(prior))]


def _effect(counts: _Counts, best: NDArray[np.float64], likelihood: float, at: int) -> Effect:
    turned, start = counts.turned(at), best.copy()
    start[at] = alone = float(best[0] + best[at])

    def short(value: float) -> float:
        """How far the likelihood falls short with the logit of this cause alone held at a value."""
        start[at] = value
        start[:], reached = _fit(turned, start, at)
        return 2 * (likelihood - reached)

    without = best.copy()
    without[at] = 0.0
    fallen = 2 * (likelihood - _fit(counts, without, at)[1])
    return Effect(
        with_it=float(expit(alone)),
        low=float(expit(_bound(short, alone, -1.0))),
        high=float(expit(_bound(short, alone, 1.0))),
        without=float(expit(best[0])),
        p=float(chdtrc(1, max(fallen, 0.0))),
        rises=bool(best[at] > 0),
    )


def _bound(short: Callable[[float], float], best: float, sign: float) -> float:
    """The value in this direction at which the likelihood falls short by the limit."""
    near, step = best, 1.0
    while abs(far := best + sign * step) < _FAR and short(far) < _LIMIT:
        near, step = far, 2 * step
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        near, far = (middle, far) if short(middle) < _LIMIT else (near, middle)
    return far


def _fit(counts: _Counts, start: NDArray[np.float64], held: int | None) -> tuple[NDArray[np.float64], float]:
    """The coefficients of highest penalised likelihood, one of them held as it is in `start`; by Newton's method."""
    free = np.array([at for at in range(len(start)) if at != held])
    whole, hits, n, prior = counts
    found, reached = start, _likelihood(counts, start)
    for _ in range(_STEPS):
        share = expit(whole @ found)
        slope = whole[:, free].T @ (hits - n * share) - (prior @ found)[free]
        curve = (whole[:, free].T * (n * share * (1 - share))) @ whole[:, free] + prior[np.ix_(free, free)]
        move = np.zeros(len(found))
        move[free] = np.linalg.solve(curve, slope)
        while (value := _likelihood(counts, found + move)) < reached and np.abs(move).max() > _NOTHING:
            move /= 2
        gain, found, reached = value - reached, found + move, max(value, reached)
        if gain < _NOTHING:
            break
    return found, reached


def _likelihood(counts: _Counts, at: NDArray[np.float64]) -> float:
    logits = counts.whole @ at
    told = (counts.hits * logits - counts.n * np.logaddexp(0.0, logits)).sum()
    return float(told - at @ counts.prior @ at / 2)
