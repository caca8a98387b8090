"""The latencies of both sides as they are: quantiles of successes with their intervals, shown and not judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chaos_analysis.compare.model import QUANTILES, Latency
from chaos_analysis.stats import quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray


def latencies(before: NDArray[np.float64], after: NDArray[np.float64]) -> tuple[Latency, ...]:
    """p50, p95 and p99 of milliseconds; where there are too few, the estimate says how many it takes."""
    first, second = (np.sort(times[~np.isnan(times)]) for times in (before, after))
    return tuple(Latency(name, quantile(first, p), quantile(second, p)) for name, p in QUANTILES.items())
