"""Two sets of requests that have nothing to do with one another: each rate with its interval, and their difference."""

from __future__ import annotations

from math import asin, ceil, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import gammaln, ndtri

from chaos_analysis import wording
from chaos_analysis.effect.judging import LEAST_PAIRS, SAME_RATE, tested
from chaos_analysis.effect.settling import fewest, is_clear
from chaos_analysis.model import Estimate
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chaos_analysis.effect.settling import Tested
    from chaos_analysis.effect.values import Verdict

_POWER = float(ndtri(0.975) + ndtri(0.8))
_TIE = 1 + 1e-7


class Counts(NamedTuple):
    """Failures and requests, before and after."""

    failed: int
    n: int
    failed_after: int
    n_after: int

    @property
    def shift(self) -> float:
        """The failure rate after less that before; 0 where either side has no request."""
        return self.failed_after / self.n_after - self.failed / self.n if self.n and self.n_after else 0.0


class Judged(NamedTuple):
    """What two rates come to; `p_value` is not adjusted."""

    verdict: Verdict
    reason: str
    need: int | None
    difference: Estimate
    p_value: float


def judge(groups: Mapping[str, Counts]) -> dict[str, Judged]:
    """Judge several groups at once; p-values are adjusted over all of them."""
    told = tested([fisher_two_sided(counts) for counts in groups.values()])
    return {name: _judged(counts, each) for (name, counts), each in zip(groups.items(), told, strict=True)}


def difference(counts: Counts) -> Estimate:
    """The rate after less that before, with its hybrid score interval (Newcombe 1998, Stat. Med. 17:873, method 10).

    It is made of Wilson's intervals, and of Clopper and Pearson's, which are wider, where nothing or everything failed.
    """
    failed, n, failed_after, n_after = counts
    if not n or not n_after:
        return Estimate(None, None, None, 0, "probability", need=1)
    (p, low, high), (q, low_after, high_after) = (
        _bounds(proportion(*side)) for side in ((failed, n), (failed_after, n_after))
    )
    down = sqrt((q - low_after) ** 2 + (high - p) ** 2)
    up = sqrt((high_after - q) ** 2 + (p - low) ** 2)
    return Estimate(q - p, max(-1.0, q - p - down), min(1.0, q - p + up), min(n, n_after), "probability")


def fisher_two_sided(counts: Counts) -> float:
    """Fisher's exact test: the probability of all tables that are no more likely than this one (Fisher 1935)."""
    failed, n, failed_after, n_after = counts
    whole = failed + failed_after
    if not n or not n_after or not whole:
        return 1.0
    there = np.arange(max(0, whole - n_after), min(n, whole) + 1)
    logs = _choose(n, there) + _choose(n_after, whole - there) - _choose(n + n_after, np.array(whole))
    chances = np.exp(logs)
    return float(min(1.0, chances[chances <= chances[failed - there[0]] * _TIE].sum()))


def needed(before: float, after: float) -> int | None:
    """How many requests a side would show such a difference four times in five, by the arcsine rule (Cohen 1988)."""
    effect = 2 * abs(asin(sqrt(after)) - asin(sqrt(before)))
    return ceil(2 * (_POWER / effect) ** 2) if effect else None


def _judged(counts: Counts, tested: Tested) -> Judged:
    between, least, p = difference(counts), min(counts.n, counts.n_after), tested.p_value
    said = f"{counts.failed:,} of {counts.n:,} failed before, {counts.failed_after:,} of {counts.n_after:,} after"
    if least < LEAST_PAIRS:
        return Judged("inconclusive", f"{wording.plural(least, 'request')} a side, too few", LEAST_PAIRS, between, p)
    if tested.holds:
        return Judged("improved" if counts.shift < 0 else "worse", said, None, between, p)
    if between.low is not None and between.high is not None and -SAME_RATE < between.low <= between.high < SAME_RATE:
        return Judged("no difference", said, None, between, p)
    if is_clear(between, 0.0):
        return Judged("inconclusive", f"{said}; {tested.said()}", _grown(counts, tested), between, p)
    need = needed(counts.failed / counts.n, counts.failed_after / counts.n_after)
    return Judged("inconclusive", said, max(need, least + 1) if need else 2 * least, between, p)


def _grown(counts: Counts, tested: Tested) -> int:
    """From how many requests a side the same rates, of sides as unlike in size, are below the level."""
    least = min(counts.n, counts.n_after)

    def p_value(n: int) -> float:
        return fisher_two_sided(Counts(*(round(each * n / least) for each in counts)))

    return fewest(p_value, least, tested.enough)


def _bounds(rate: Estimate) -> tuple[float, float, float]:
    return rate.value or 0.0, rate.low or 0.0, 1.0 if rate.high is None else rate.high


def _choose(n: int, k: np.ndarray) -> np.ndarray:
    """The logarithm of a binomial coefficient."""
    logs: np.ndarray = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return logs
