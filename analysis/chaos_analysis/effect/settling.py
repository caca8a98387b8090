"""What keeps a difference open whose interval is clear of none, and how much more of the same would settle it."""

from __future__ import annotations

from math import ceil, log, sqrt
from typing import TYPE_CHECKING, NamedTuple

from scipy.special import stdtr, stdtrit

from chaos_analysis import wording
from chaos_analysis.stats.paired import mcnemar, pairs_needed

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.effect.values import Measured
    from chaos_analysis.model import Estimate


class Tested(NamedTuple):
    """A p-value as it is, what it is after adjusting for the `tests` that it is one of, and the `level` to be below."""

    p_value: float
    adjusted: float
    tests: int
    level: float

    @property
    def holds(self) -> bool:
        """Whether there is a difference."""
        return self.adjusted < self.level

    @property
    def enough(self) -> float:
        """What the p-value itself must be below, adjusted as it is now; where that is 1, as strictly as can be."""
        factor = self.adjusted / self.p_value if 0 < self.p_value <= self.adjusted < 1 else self.tests
        return self.level / factor

    def said(self) -> str:
        """`p = 0.031 after adjusting for 12 comparisons, above 0.02`."""
        over = f" after adjusting for {wording.count(self.tests)} comparisons" if self.tests > 1 else ""
        word = "above" if self.adjusted > self.level else "not below"
        return f"p = {wording.number(self.adjusted)}{over}, {word} {self.level:g}"


def is_clear(of: Estimate, none: float) -> bool:
    """Whether the interval leaves out what would be no difference: 0, or 1 of a ratio."""
    return of.low is not None and of.high is not None and not of.low <= none <= of.high


def of_failures(each: Measured, tested: Tested) -> int:
    """How many pairs would show such a difference: four times in five, and no fewer than those at which the
    discordant iterations, grown in proportion, are below the level.
    """
    usual = pairs_needed(each.rescued, each.broken, each.pairs) or 0
    rescued, broken = each.iterations
    if rescued == broken:
        return max(usual, 2 * each.pairs)
    apart, fewer = rescued + broken, min(rescued, broken)

    def grown(n: int) -> float:
        less = round(n * fewer / apart)
        return mcnemar(less, n - less)

    return max(usual, ceil(each.pairs * fewest(grown, apart, tested.enough) / apart))


def of_times(each: Measured, tested: Tested) -> int:
    """How many pairs make as many blocks as would bring the ratio of times below the level, if they vary alike."""
    blocks, value, high = each.useful.n, each.useful.value, each.useful.high
    if blocks < 2 or not value or not high or high == value:
        return 2 * each.pairs
    per_block = log(value) / log(high / value) * float(stdtrit(blocks - 1, 0.975)) / sqrt(blocks)
    needed = fewest(lambda n: 2 * float(stdtr(n - 1, -abs(per_block) * sqrt(n))), blocks, tested.enough)
    return ceil(each.pairs * needed / blocks)


def fewest(p_value: Callable[[int], float], have: int, level: float) -> int:
    """The number above `have` from which a p-value that falls with it is below the level."""
    low, high = have, have + 1
    while p_value(high) >= level:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if p_value(middle) < level else (middle, high)
    return high
