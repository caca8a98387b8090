"""Horizontal bars with their names and figures beside them; shared by the plots that count failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from matplotlib.ticker import MaxNLocator

from chaos_analysis.plots import _style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure


class Bar(NamedTuple):
    """A name, how long the bar is, the text beside the bar, and the bar's colour."""

    name: str
    length: int
    text: str
    colour: str


def figure(title: str, bars: Sequence[Bar], axis: str) -> Figure:
    """The picture of `bars` from top to bottom, as given."""
    made = _style.figure(title, 1.3 + 0.36 * len(bars))
    axes = made.subplots()
    places = range(len(bars))
    axes.barh(places, [bar.length for bar in bars], color=[bar.colour for bar in bars], height=0.68)
    axes.set_yticks(places, [_style.shorten(bar.name, 44) for bar in bars])
    axes.invert_yaxis()
    for place, bar in zip(places, bars, strict=True):
        axes.annotate(bar.text, (bar.length, place), xytext=(5, 0), textcoords="offset points", va="center")
    axes.set_xlim(0, max(bar.length for bar in bars) * 1.22)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlabel(axis)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    return made
