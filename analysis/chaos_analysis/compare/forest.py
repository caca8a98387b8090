"""How failure rates differ: a line a group with its interval, what is certain in colour."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from chaos_analysis import wording
from chaos_analysis.compare import words
from chaos_analysis.effect.judging import SIGNIFICANT
from chaos_analysis.effect.settling import is_clear
from chaos_analysis.plots import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from chaos_analysis.compare.model import Comparison, Group

_MOST = 24
_COLOURS = {"improved": _style.BLUE, "worse": _style.VERMILLION}
_MARKERS = {"improved": "<", "worse": ">"}  # not by colour alone


def draw(found: Comparison) -> Figure | None:
    """The picture; None where no group has a difference with an interval."""
    known = [group for group in words.ordered(found) if group.difference.low is not None]
    if not known:
        return None
    shown = known[:_MOST]
    figure = _style.figure(finding(found), 1.65 + 0.37 * len(shown))
    axes = figure.subplots()
    axes.axvline(0, color=_style.GREY, lw=1)
    for place, group in enumerate(shown):
        _line(axes, place, group, len(found.groups))
    for place, (above, group) in enumerate(pairwise(shown)):
        if above.kind != group.kind:
            axes.axhline(place + 0.5, color=_style.PALE, lw=1.2)
    labels = [_style.shorten(group.name, 40) for group in shown]
    axes.set_yticks(range(len(shown)), labels)
    axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.xaxis.set_major_locator(MaxNLocator(8))
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, -1.0), max(high, 1.0))
    axes.set_xlabel("failure rate after less before, percentage points, 95 % interval   (← fails less · fails more →)")
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    return figure


def finding(found: Comparison) -> str:
    """What it shows."""
    whole = found.groups[0]
    told = [group for group in found.groups if group.verdict in _COLOURS and group.kind == "endpoint"]
    said = f"All requests: {words.change(whole.difference)}, {whole.verdict}"
    parts = [
        f"{sum(group.verdict == word for group in told)} {'endpoints' if len(told) != 1 else 'endpoint'} {word}"
        for word in _COLOURS
        if any(group.verdict == word for group in told)
    ]
    return f"{said}; {', '.join(parts)}" if parts else f"{said}; no endpoint differs for certain"


def _line(axes: Axes, place: int, group: Group, tests: int) -> None:
    value, low, high = (100 * (each or 0.0) for each in _bounds(group))
    colour = _COLOURS.get(group.verdict, _style.GREY)
    axes.plot([low, high], [place, place], color=colour, lw=2.2, solid_capstyle="butt")
    axes.plot(value, place, marker=_MARKERS.get(group.verdict, "o"), color=colour, ms=6)
    text = axes.annotate(_said(group, tests), (1.01, place), xycoords=("axes fraction", "data"), va="center", size=8.5)
    text.set(color=colour if group.verdict in _COLOURS else _style.INK, linespacing=1.1)


def _said(group: Group, tests: int) -> str:
    """The verdict, and why it is open where the line is clear of 0."""
    if group.verdict != "inconclusive" or not is_clear(group.difference, 0.0):
        return words.needed(group)
    level = f"at {wording.percent(1 - SIGNIFICANT)}"
    why = f"{level} over {tests} tests not clear of 0" if tests > 1 else f"{level} not clear of 0"
    if not words.is_unsettled(group):
        why = group.reason
    elif group.reason.startswith("requests interact"):
        why = "the blocks disagree"
    return f"{words.needed(group)}\n{why}"


def _bounds(group: Group) -> tuple[float | None, float | None, float | None]:
    return group.difference.value, group.difference.low, group.difference.high
