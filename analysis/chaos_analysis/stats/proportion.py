"""A share with its 95 % interval."""

from __future__ import annotations

from scipy.stats import binomtest

from chaos_analysis.model import Estimate


def proportion(hits: int, n: int) -> Estimate:
    """The share of `hits` among `n`: Wilson's interval, Clopper-Pearson's at 0 and 1 (Brown, Cai, DasGupta 2001)."""
    if n <= 0:
        return Estimate(None, None, None, 0, "probability", need=1)
    interval = binomtest(hits, n).proportion_ci(0.95, method="exact" if hits in (0, n) else "wilson")
    return Estimate(hits / n, float(interval.low), float(interval.high), n, "probability")
