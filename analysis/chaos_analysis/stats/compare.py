"""Two groups against each other, and many such comparisons at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy.stats import false_discovery_control, hypergeom

if TYPE_CHECKING:
    from collections.abc import Sequence


def fisher(hits: int, n: int, control_hits: int, control_n: int) -> float:
    """Fisher's exact test, one-sided: the p-value for the first group's share being no higher than the control's."""
    return float(hypergeom.sf(hits - 1, n + control_n, hits + control_hits, n))


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Benjamini-Hochberg: at most 5 % of the findings below 0.05 are expected to be false."""
    return [float(p) for p in false_discovery_control(list(p_values))] if p_values else []
