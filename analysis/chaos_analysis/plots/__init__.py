"""Pictures of a run, one file a plot. Each draws from an `Analysis`, or returns None where it has nothing to show.

A picture's title states what it shows, computed from the data. It stands in the PNG as `Title` too, which is the
report's alternative text.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import matplotlib as mpl

from chaos_analysis.plots import _style, causes, effects, failures, heatmap, latency, percentiles, timeline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import ModuleType

    from chaos_analysis.model import Analysis

PLOTS = (timeline, latency, heatmap, causes, failures, percentiles, effects)


def draw_all(analysis: Analysis, out: Path, chosen: Sequence[ModuleType] = PLOTS) -> tuple[Path, ...]:
    """Draw what `analysis` has data for, as `out/<plot>.png`; returns the paths in the order of `chosen`."""
    paths = []
    with mpl.rc_context(_style.SETTINGS), warnings.catch_warnings():
        # Names come from the run and may use scripts that the font has no glyphs for; they show as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        for plot in chosen:
            figure = plot.draw(analysis)
            if figure is not None:
                paths.append(_style.save(figure, out / f"{plot.__name__.rpartition('.')[2]}.png"))
    return tuple(paths)
