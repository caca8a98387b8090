"""How latencies moved: quantiles of successes before and after, an arrow each, with their intervals."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.compare import words
from chaos_analysis.compare.model import QUANTILES
from chaos_analysis.plots import _style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from chaos_analysis.compare.model import Comparison, Group, Latency
    from chaos_analysis.model import Estimate

_MOST = 16
_INTERVALS = (
    "response time of successes, ms: ○ before → ● after, the bars above and below them are their 95 % intervals"
)
_BUCKETS = "response time of all requests, ms (Locust's buckets): ○ before → ● after"
_COLOURS = {"p50": _style.GREEN, "p95": _style.PURPLE, "p99": _style.VERMILLION}
_APART = 0.24
_SIDE = 0.045  # between the intervals before (above) and after


def draw(found: Comparison) -> Figure | None:
    """The picture; None where no latency is known."""
    known = [group for group in words.ordered(found) if group.kind != "rule" and _known(group)]
    if not known:
        return None
    shown = known[:_MOST]
    figure = _style.figure(finding(found), 1.75 + 0.62 * len(shown))
    axes = figure.subplots()
    for place, group in enumerate(shown):
        for row, each in enumerate(group.latencies):
            _arrow(axes, place + (row - 1) * _APART, each)
    axes.set_yticks(range(len(shown)), [_style.shorten(group.name, 40) for group in shown])
    if shown[0].kind == "all":
        axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_ylim(len(shown) - 0.45, -0.6)
    axes.set_xscale("log")
    _style.log_ticks(axes.xaxis)
    axes.set_xlabel(_BUCKETS if found.method == "locust-csv" else _INTERVALS)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    _name(axes, shown)
    return figure


def finding(found: Comparison) -> str:
    """What it shows, and that it is no verdict where the runs did not take turns."""
    known = [group for group in found.groups if group.kind != "rule" and _known(group)]
    first = known[0] if known[0].kind == "all" else max(known, key=_moved)
    moved = [f"{each.quantile} {_ms(each.before)} → {_ms(each.after)}" for each in first.latencies if _both(each)]
    said = f"Latency of {_style.shorten(first.name, 44)}: {', '.join(moved)}"
    judged = words.time(first.useful) if found.interleaved else ""
    return f"{said}; to a useful answer {judged}" if judged else f"{said} (not judged)"


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
    if each.before.value is None or each.after.value is None:
        return
    colour = _COLOURS[each.quantile]
    for side, at in ((each.before, y - _SIDE), (each.after, y + _SIDE)):
        if side.low is not None and side.high is not None:
            axes.plot([max(side.low, 0.01), max(side.high, 0.01)], [at, at], color=colour, lw=2.6, alpha=0.35)
    axes.plot([each.before.value, each.after.value], [y, y], color=colour, lw=1)
    axes.plot(each.before.value, y, marker="o", mfc="white", color=colour, ms=6)
    axes.plot(each.after.value, y, marker="o", color=colour, ms=5)


def _name(axes: Axes, shown: Sequence[Group]) -> None:
    """Name the quantiles that are drawn, once, beside those of the first group, at the right edge."""
    drawn = {each.quantile for group in shown for each in group.latencies if _both(each)}
    for row, name in enumerate(QUANTILES):
        if name not in drawn:
            continue
        text = axes.annotate(
            name, (1.01, (row - 1) * _APART), xycoords=("axes fraction", "data"), va="center", size=8.5
        )
        text.set(color=_COLOURS[name], weight="bold")
