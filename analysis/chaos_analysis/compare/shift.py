"""How latencies moved: quantiles of successes before and after, a lane each where both are known, with intervals."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.compare import words
from chaos_analysis.plots import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from chaos_analysis.compare.model import Comparison, Group, Latency
    from chaos_analysis.model import Estimate

_MOST = 16
_INTERVALS = "response time of successes, ms: ○ before → ● after, each on its 95 % interval"
_BUCKETS = "response time of all requests, ms (Locust's buckets): ○ before → ● after"
_COLOURS = {"p50": _style.GREEN, "p95": _style.PURPLE, "p99": _style.VERMILLION}
_SIDE = 0.19  # of a lane, between its middle and before (above) and after
_BETWEEN = 0.9  # lanes, between two groups
_LEAST = 0.01  # ms, as the axis is logarithmic


def draw(found: Comparison) -> Figure | None:
    """The picture; None where no latency is known."""
    known = [group for group in words.ordered(found) if group.kind != "rule" and _known(group)]
    if not known:
        return None
    shown = known[:_MOST]
    lanes = [[each for each in group.latencies if _both(each)] for group in shown]
    height = sum(map(len, lanes)) + _BETWEEN * len(shown)
    figure = _style.figure(finding(found), 1.35 + 0.21 * height)
    axes = figure.subplots()
    middles, top = [], 0.0
    for group in lanes:
        for row, each in enumerate(group):
            _arrow(axes, top + row, each)
        middles.append(top + (len(group) - 1) / 2)
        top += len(group) + _BETWEEN
    axes.set_yticks(middles, [_style.shorten(group.name, 40) for group in shown])
    if shown[0].kind == "all":
        axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_ylim(height - _BETWEEN, -1)
    axes.set_xscale("log")
    _style.log_ticks(axes.xaxis)
    axes.set_xlabel(_BUCKETS if found.method == "locust-csv" else _INTERVALS)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    return figure


def finding(found: Comparison) -> str:
    """What it shows, and that it is no verdict where the runs did not take turns."""
    known = [group for group in found.groups if group.kind != "rule" and _known(group)]
    first = known[0] if known[0].kind == "all" else max(known, key=_moved)
    moved = [f"{each.quantile} {_ms(each.before)} → {_ms(each.after)}" for each in first.latencies if _both(each)]
    said = f"Latency of {_style.shorten(first.name, 44)}: {', '.join(moved)}"
    if not found.interleaved or first.useful.value is None:
        return f"{said} (not judged)"
    ratio = wording.number(first.useful.value)
    return f"{said}; a useful answer takes {ratio} times as long ({wording.bounds(first.useful)})"


def _known(group: Group) -> bool:
    return any(map(_both, group.latencies))


def _both(each: Latency) -> bool:
    return bool(each.before.value) and bool(each.after.value)


def _moved(group: Group) -> float:
    """How far the quantile that moved most has gone, on a logarithmic scale."""
    return max(abs(log((each.after.value or 1) / (each.before.value or 1))) for each in group.latencies if _both(each))


def _ms(estimate: Estimate) -> str:
    return wording.estimate(estimate, interval=False)


def _arrow(axes: Axes, y: float, each: Latency) -> None:
    """From before, above, to after, below, each on its interval; at the right edge the quantile with its figures."""
    colour = _COLOURS[each.quantile]
    ends = []
    for side, at, face in ((each.before, y - _SIDE, "white"), (each.after, y + _SIDE, colour)):
        value = max(side.value or 0.0, _LEAST)
        if side.low is not None and side.high is not None:
            axes.plot([max(side.low, _LEAST), max(side.high, _LEAST)], [at, at], color=colour, lw=2.6, alpha=0.35)
        axes.plot(value, at, marker="o", mfc=face, color=colour, ms=5, zorder=3)
        ends.append((value, at))
    axes.plot(*zip(*ends, strict=True), color=colour, lw=1)
    figures = " → ".join(wording.number(side.value or 0.0) for side in (each.before, each.after))
    name = axes.annotate(each.quantile, (1, y), (6, 0), ("axes fraction", "data"), "offset points", va="center")
    name.set(color=colour, weight="bold", size=8.5)
    axes.annotate(figures, (1, y), (34, 0), ("axes fraction", "data"), "offset points", va="center", size=8.5)
