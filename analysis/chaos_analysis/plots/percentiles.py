"""Response-time percentiles by endpoint, where only Locust's statistics are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.plots import _style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from chaos_analysis.model import Analysis

_MOST = 20
_LOOKS = {
    "p50": (_style.GREEN, "right", 8),
    "p95": (_style.PURPLE, "center", -15),
    "p99": (_style.VERMILLION, "left", 8),
}


def draw(analysis: Analysis) -> Figure | None:
    """A line an endpoint with a dot for p50, p95 and p99, the slowest tail first; None for a run folder."""
    known = [
        (row.endpoint, row.p50.value, row.p95.value, row.p99.value)
        for row in analysis.endpoints
        if row.stage == "all" and row.p50.value and row.p95.value and row.p99.value
    ]
    if analysis.source != "locust-csv" or not known:
        return None
    known.sort(key=lambda row: row[3] or 0, reverse=True)
    name, p50, _, p99 = known[0]
    equal = sum(row[3] == p99 for row in known)
    title = f"{_style.shorten(name, 48)} has the slowest tail: p99 {_seconds(p99)} at a median of {_seconds(p50)}"
    if equal > 1:
        title = f"{equal} endpoints have the slowest tail: p99 {_seconds(p99)}"
    shown = known[:_MOST]
    figure = _style.figure(title, 1.5 + 0.36 * len(shown))
    axes = figure.subplots()
    for place, (_, *values) in enumerate(shown):
        axes.plot([values[0] or 1, values[-1] or 1], [place, place], color=_style.GREY, lw=1.2, zorder=1)
    for column, (label, (colour, side, below)) in enumerate(_LOOKS.items(), start=1):
        axes.scatter([row[column] or 1 for row in shown], range(len(shown)), color=colour, s=42, zorder=2)
        # p95 may lie close to p99, and all three together: each label has a side of its own.
        text = axes.annotate(label, (shown[0][column] or 1, 0), (0, below), textcoords="offset points", ha=side)
        text.set(color=colour, weight="bold")
    axes.set_yticks(range(len(shown)), [_style.shorten(row[0], 44) for row in shown])
    axes.set_ylim(len(shown) - 0.5, -0.8)
    axes.set_xscale("log")
    _style.log_ticks(axes.xaxis)
    axes.set_xlabel("response time of all requests, ms (Locust's buckets)")
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    return figure


def _seconds(milliseconds: float | None) -> str:
    return wording.seconds((milliseconds or 0) / 1000)
