"""A quantile of one run with its 95 % interval from order statistics: no shape of the distribution is assumed."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, log
from typing import TYPE_CHECKING

from scipy.special import bdtr, bdtrik

from chaos_analysis.model import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TAIL = 0.025


def quantile(ordered: NDArray[np.float64], p: float, unit: str = "ms") -> Estimate:
    """The `p`-quantile of values in ascending order (Conover 1999, section 3.2); below `need` values there is none."""
    n = len(ordered)
    if n < need(p):
        return Estimate(None, None, None, n, unit, need=need(p))
    low, high = _ranks(n, p)
    value = ordered[min(n - 1, ceil(p * n) - 1)]
    return Estimate(float(value), float(ordered[low]), float(ordered[high]), n, unit)


def need(p: float) -> int:
    """How many values a two-sided interval with finite ends takes: 6 for the median, 72 for p95, 368 for p99."""
    return ceil(log(_TAIL) / log(max(p, 1 - p)))


@lru_cache(maxsize=4096)
def _ranks(n: int, p: float) -> tuple[int, int]:
    """The indices of the two order statistics: at most 2.5 % of samples have the quantile beyond either."""
    return max(_at_most(_TAIL, n, p) - 1, 0), min(_at_most(1 - _TAIL, n, p), n - 1)


def _at_most(share: float, n: int, p: float) -> int:
    """The smallest count that a binomial variable stays within with this probability."""
    count = max(ceil(bdtrik(share, n, p)), 0)
    return count - 1 if count and bdtr(count - 1, n, p) >= share else count
