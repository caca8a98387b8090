"""Two recorded sides, before and after: what failed less, what failed more, and what cannot be told.

`compare` reads run folders, `compare_arms` those of a replay, `compare_csv` plain Locust CSVs; `steady` leaves out the
patterns that the same code twice does not agree on; `write` leaves `comparison.json`, `comparison.md` and pictures.
"""

from __future__ import annotations

from chaos_analysis.compare.comparing import compare, compare_arms
from chaos_analysis.compare.found import steady
from chaos_analysis.compare.model import Comparison, Group, Latency, PatternChange, Side
from chaos_analysis.compare.plain import compare_csv
from chaos_analysis.compare.writing import write

__all__ = [
    "Comparison",
    "Group",
    "Latency",
    "PatternChange",
    "Side",
    "compare",
    "compare_arms",
    "compare_csv",
    "steady",
    "write",
]
