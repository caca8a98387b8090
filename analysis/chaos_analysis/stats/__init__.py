"""Figures with their intervals, and tests that say how sure they are. Methods and sources stand in each file.

The special functions are scipy's. scipy.stats is not used: importing it takes longer than analysing a usual run, which
people wait for; the tests hold each method against it.
"""

from __future__ import annotations

from chaos_analysis.stats.compare import adjusted, fisher
from chaos_analysis.stats.power import detectable, larger, needed
from chaos_analysis.stats.proportion import proportion
from chaos_analysis.stats.quantile import quantile

__all__ = ["adjusted", "detectable", "fisher", "larger", "needed", "proportion", "quantile"]
