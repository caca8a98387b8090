"""Two groups against each other, and many such comparisons at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def fisher(hits: int, n: int, control_hits: int, control_n: int) -> float:
    """Fisher's exact test, one-sided: the p-value for the first group's share being no higher than the control's."""
    total, all_hits = n + control_n, hits + control_hits
    at_least = np.arange(hits, min(n, all_hits) + 1)
    logs = _choose(all_hits, at_least) + _choose(total - all_hits, n - at_least) - _choose(total, np.array(n))
    possible = n - at_least <= total - all_hits
    return float(min(1.0, np.exp(logs[possible]).sum()))


def _choose(n: int, k: NDArray[np.int_]) -> NDArray[np.float64]:
    """The logarithm of a binomial coefficient; meaningless for `k > n`."""
    logs: NDArray[np.float64] = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return logs


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Benjamini-Hochberg (1995): at most 5 % of the findings below 0.05 are expected to be false."""
    order = np.argsort(p_values)
    ranked = np.asarray(p_values, dtype=float)[order] * len(order) / np.arange(1, len(order) + 1)
    found = np.empty(len(order))
    found[order] = np.minimum.accumulate(ranked[::-1])[::-1]
    return [float(p) for p in np.minimum(found, 1.0)]
