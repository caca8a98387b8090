"""A share with its 95 % interval."""

from __future__ import annotations

from scipy.special import betaincinv

from chaos_analysis.model import Estimate

_TAIL = 0.025
_Z = 1.959963984540054  # the normal distribution's 97.5 % point


def proportion(hits: int, n: int) -> Estimate:
    """The share of `hits` among `n`: Wilson's interval, Clopper-Pearson's at 0 and 1 (Brown, Cai, DasGupta 2001)."""
    if n <= 0:
        return Estimate(None, None, None, 0, "probability", need=1)
    low, high = _exact(hits, n) if hits in (0, n) else _wilson(hits / n, n)
    return Estimate(hits / n, low, high, n, "probability")


def _wilson(share: float, n: int) -> tuple[float, float]:
    centre = share + _Z**2 / (2 * n)
    reach = _Z * (share * (1 - share) / n + _Z**2 / (4 * n**2)) ** 0.5
    scale = 1 + _Z**2 / n
    return (centre - reach) / scale, (centre + reach) / scale


def _exact(hits: int, n: int) -> tuple[float, float]:
    """Quantiles of the beta distribution (Clopper, Pearson 1934)."""
    low = float(betaincinv(hits, n - hits + 1, _TAIL)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - _TAIL)) if hits < n else 1.0
    return low, high
