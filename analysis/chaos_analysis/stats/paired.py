"""The same requests under two versions: which of them fail differently, and how much longer blocks of them take."""

from __future__ import annotations

from math import ceil, exp, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import bdtr, ndtri, stdtr, stdtrit

from chaos_analysis.model import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

_Z = 1.959963984540054  # the normal distribution's 97.5 % point
_POWER = float(ndtri(0.8))
_HALF = 0.5


def mcnemar(rescued: int, broken: int) -> float:
    """Exact McNemar test, two-sided: the p-value for either discordant outcome being as likely (McNemar 1947)."""
    n, fewer = rescued + broken, min(rescued, broken)
    return min(1.0, 2 * float(bdtr(fewer, n, _HALF))) if n else 1.0


def difference(rescued: int, broken: int, n: int) -> Estimate:
    """Failure rate of the second version less that of the first, over `n` pairs: below 0 where it fails less.

    The interval is the adjusted Wald one of Bonett and Price (2012, J. Educ. Behav. Stat. 37:479).
    """
    if n <= 0:
        return Estimate(None, None, None, 0, "probability", need=1)
    up, down = (broken + 1) / (n + 2), (rescued + 1) / (n + 2)
    centre = up - down
    reach = _Z * sqrt((up + down - centre**2) / (n + 2))
    return Estimate((broken - rescued) / n, max(-1.0, centre - reach), min(1.0, centre + reach), n, "probability")


def pairs_needed(rescued: int, broken: int, n: int) -> int | None:
    """How many pairs would show a difference such as this one, four times in five (Connor 1987); None without one."""
    down, up = rescued / n, broken / n
    apart, shift = down + up, abs(down - up)
    if not shift:
        return None
    return ceil((_Z * sqrt(apart) + _POWER * sqrt(max(apart - shift**2, 0.0))) ** 2 / shift**2)


class Mean(NamedTuple):
    """A mean with its 95 % interval (Student's t) and two-sided p-value; all but `value` None with fewer than 2."""

    value: float
    low: float | None
    high: float | None
    p: float | None


def mean(values: Sequence[float]) -> Mean:
    """The mean of independent values, such as one a block."""
    of = np.asarray(values, dtype=float)
    centre, n = float(of.mean()), len(of)
    if n < 2:
        return Mean(centre, None, None, None)
    error = float(of.std(ddof=1)) / sqrt(n)
    if error == 0:
        return Mean(centre, centre, centre, 0.0 if centre else 1.0)
    reach = float(stdtrit(n - 1, 0.975)) * error
    return Mean(centre, centre - reach, centre + reach, 2 * float(stdtr(n - 1, -abs(centre) / error)))


def ratio(first: Sequence[float], second: Sequence[float]) -> tuple[Estimate, float | None]:
    """How many times the second of each pair of blocks is the first, in the geometric mean, with the p-value.

    Blocks must have been run in turn: with all of the one before all of the other, the machine's drift is taken for a
    difference. Values must be above 0.
    """
    of = mean(np.log(np.asarray(second) / np.asarray(first)).tolist())
    ends = [None if end is None else exp(end) for end in (of.low, of.high)]
    return Estimate(exp(of.value), ends[0], ends[1], len(first), "ratio"), of.p
