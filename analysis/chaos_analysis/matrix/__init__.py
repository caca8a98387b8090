"""Every injection point alone: what the app did with each fault at each of its calls. `chaos-test map` is made of it.

A map folder has `cells.json` (what was planned, by the command), the run folders `discovery` and `batch-N`, and what
`chart` makes of them: `map.json`, `chaos-map.md`, `chaos-map.html`, `chaos-map.png`.
"""

from __future__ import annotations

from chaos_analysis.matrix.chart import chart
from chaos_analysis.matrix.model import Cell, Matrix, Planned, Point, Row
from chaos_analysis.matrix.points import points
from chaos_analysis.matrix.seen import seen

__all__ = ["Cell", "Matrix", "Planned", "Point", "Row", "chart", "points", "seen"]
