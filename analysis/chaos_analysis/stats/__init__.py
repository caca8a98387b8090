"""Figures with their intervals, and tests that say how sure they are. Methods and sources stand in each file."""

from __future__ import annotations

from chaos_analysis.stats.compare import adjusted, fisher
from chaos_analysis.stats.power import detectable, needed
from chaos_analysis.stats.proportion import proportion
from chaos_analysis.stats.quantile import quantile

__all__ = ["adjusted", "detectable", "fisher", "needed", "proportion", "quantile"]
