"""What a comparison of two shares can see: 80 % power at a two-sided 5 % level, by the arcsine rule (Cohen 1988)."""

from __future__ import annotations

from math import asin, ceil, pi, sin, sqrt

from scipy.special import ndtri

_Z = float(ndtri(0.975) + ndtri(0.8))


def detectable(n: int, control_n: int, base: float) -> float | None:
    """The smallest rise above the share `base` that groups of these sizes show; None where not even a rise to 1."""
    if n <= 0 or control_n <= 0:
        return None
    angle = asin(sqrt(base)) + _Z / 2 * sqrt(1 / n + 1 / control_n)
    return sin(angle) ** 2 - base if angle <= pi / 2 else None


def needed(control_n: int, base: float, rise: float) -> int | None:
    """How many faulted requests it takes to show this rise against `control_n` without; None where no number does."""
    effect = 2 * (asin(sqrt(min(1.0, base + rise))) - asin(sqrt(base)))
    rest = (effect / _Z) ** 2 - 1 / control_n if control_n > 0 and effect > 0 else 0.0
    return ceil(1 / rest) if rest > 0 else None


def larger(n: int, control_n: int, base: float, rise: float) -> float | None:
    """How many times as large both groups must be to show this rise; None where no size does."""
    effect = 2 * (asin(sqrt(min(1.0, base + rise))) - asin(sqrt(base)))
    if n <= 0 or control_n <= 0 or effect <= 0:
        return None
    return (1 / n + 1 / control_n) * (_Z / effect) ** 2
