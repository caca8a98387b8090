"""The map as a picture: calls by route, faults across, and in each cell in a word what the app did."""

from __future__ import annotations

import warnings
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.patches import FancyBboxPatch

from chaos_analysis import wording
from chaos_analysis.matrix.model import HARM, Cell, Matrix, Row
from chaos_analysis.plots import _style

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from chaos_analysis.model import Estimate

# Calm is pale, harm is loud; the words say it too. Tones of Okabe and Ito's palette, told apart also in grey.
_TONES = {
    "handled": ("#e3f1ec", "#1f6f54"),
    "retried": ("#cfe6f5", "#0b4f7a"),
    "degraded": ("#fdf0cc", "#7a5600"),
    "wrong": ("#7d3c6b", "white"),
    "propagated": ("#d55e00", "white"),
    "hung": ("#8f2d00", "white"),
    "lost": ("#3b1f2b", "white"),
    "crashed": ("#000000", "white"),
    "unknown": ("#e4e7eb", "#52606d"),
}
_SAYS = {"propagated": "error", "handled": "fine"}
_ROW, _HEAD, _COLUMN = 0.36, 0.44, 0.66  # inches
_HATCH = "#b4bcc6"
_FEW = 3  # requests, of which a word says little
_NOTE = (
    "Below each word: how many requests met this fault and nothing else, and of how many where they differ.\n"
    f"Outlined: fewer than {_FEW}. Hatched: neither fine nor an error, as far as can be told.\n"
    "Mean harm: with its 95 % interval. Blank: this call cannot have this fault, or was not to meet it."
)


def write(matrix: Matrix, path: Path) -> Path:
    """Draw it as a PNG whose title states the finding."""
    groups = [(route, list(rows)) for route, rows in groupby(matrix.rows, key=lambda row: row.point.route)]
    height = 1.75 + sum(_HEAD + _ROW * len(rows) for _, rows in groups)
    with mpl.rc_context(_style.SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure = _style.figure(finding(matrix), height)
        figure.set_size_inches(max(_style.WIDTH, 3.2 + _COLUMN * len(matrix.faults)), height)
        axes = figure.subplots()
        _draw(axes, matrix, groups)
        return _style.save(figure, path)


def said(outcome: str) -> str:
    """An outcome in the map's own word, which needs no explanation."""
    return _SAYS.get(outcome, outcome)


def finding(matrix: Matrix) -> str:
    """What the map shows in one sentence."""
    met = [cell for row in matrix.rows for cell in row.cells if cell.harm.n]
    if not met:
        return "No fault met any call: there is nothing to show"
    harmed = [cell for cell in met if (cell.harm.value or 0) >= 0.5]
    found = f"{len(harmed)} of {len(met)} ways to break a call of {matrix.name} reach its clients"
    worst = max(row.lethality.low or 0.0 for row in matrix.rows)
    lethal = [row for row in matrix.rows if worst and row.lethality.low == worst]
    if not lethal:
        return found
    first, share = lethal[0].point, wording.estimate(lethal[0].lethality)
    if len(lethal) == 1:
        return f"{found}; {first.dependency} under {first.route} is the most lethal, at {share}"
    return f"{found}; {len(lethal)} calls are the most lethal, at {share}"


def _draw(axes: Axes, matrix: Matrix, groups: list[tuple[str, list[Row]]]) -> None:
    columns = {fault: at for at, fault in enumerate(matrix.faults)}
    y = 0.0
    for route, rows in groups:
        y += _HEAD / _ROW
        axes.text(-0.5, y - 0.72, _style.shorten(route, 60), weight="bold", ha="left", va="center", size=9.5)
        names = Counter(row.point.dependency for row in rows)
        for row in rows:
            site = row.point.site
            line = f" :{site.line}" if site and names[row.point.dependency] > 1 else ""
            label = _style.shorten(row.point.dependency, 34 - len(line)) + line
            axes.text(-0.62, y, label, ha="right", va="center", size=8.5)
            for cell in row.cells:
                _tile(axes, columns[cell.fault], y, cell)
            _mean(axes, len(columns) - 0.38, y, row.lethality)
            y += 1
    axes.annotate(_NOTE, (0, 0), (0, -8), "axes fraction", "offset points", va="top", size=8, color=_style.INK)
    axes.set_xlim(-0.6, len(columns) + 0.45)
    axes.set_ylim(y - 0.4, -0.35)
    for fault, at in columns.items():
        axes.text(at, -0.35, fault.replace(" ", "\n", 1), ha="center", va="bottom", size=8)
    axes.text(len(columns) - 0.38, -0.35, "mean\nharm", ha="left", va="bottom", size=8)
    axes.axis("off")


def _mean(axes: Axes, x: float, y: float, share: Estimate) -> None:
    if share.value is None:
        return
    axes.text(x, y + 0.03, wording.percent(share.value), ha="left", va="bottom", size=8.5)
    axes.text(x, y + 0.06, wording.bounds(share), ha="left", va="top", size=7, color=_style.GREY)


def _tile(axes: Axes, x: float, y: float, cell: Cell) -> None:
    """Filled where there are enough requests; the same word of one or two is an outline."""
    word = cell.word
    face, ink = _TONES.get(word, ("white", _style.GREY))
    most = cell.outcomes[0][1] if word else 0
    edge = "none" if word else _style.PALE
    if word and cell.events < _FEW:
        strong = face if word in HARM else ink
        face, ink, edge = "white", strong, strong
    box = FancyBboxPatch(
        (x - 0.46, y - 0.42), 0.92, 0.84, boxstyle="round,pad=0,rounding_size=0.08",
        facecolor=face, edgecolor=_HATCH if word == "unknown" else edge, hatch="////" if word == "unknown" else None,
         lw=0.9, ls="-" if word else "--", mutation_aspect=1.0,
    )  # fmt: skip
    axes.add_patch(box)
    if not word:
        axes.text(x, y, "n/a" if "cannot" in cell.why else "not met", ha="center", va="center", color=ink, size=7)
        return
    weight = "bold" if word in HARM else "normal"
    axes.text(x, y + 0.03, said(word), ha="center", va="bottom", color=ink, size=8, weight=weight)
    many = str(most) if most == cell.events else f"{most} of {cell.events}"
    axes.text(x, y + 0.06, many, ha="center", va="top", color=ink, size=7)
