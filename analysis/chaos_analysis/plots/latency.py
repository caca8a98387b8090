"""How fast each endpoint gave useful answers, before and under chaos.

A failure never becomes a useful answer, so each curve ends at the success rate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import PercentFormatter

from chaos_analysis import wording
from chaos_analysis.plots import _stages, _style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from chaos_analysis.model import Analysis

_MOST, _FEW = 12, 20
Group = dict[str, "NDArray[np.float64]"]


def draw(analysis: Analysis) -> Figure | None:
    """One panel an endpoint, those with the most requests first; None without any success."""
    if analysis.tables.requests.empty:
        return None
    requests = analysis.tables.requests[["stage", "endpoint", "ok", "response_ms"]].dropna()  # broken rows
    if not requests["ok"].any():
        return None
    before, during, _ = (_useful(part) for part in _stages.split(requests))
    names = list(requests["endpoint"].value_counts(sort=True).index)
    shown = names[:_MOST]
    columns = {1: 1, 2: 2, 4: 2}.get(len(shown), 3)
    rows = -(-len(shown) // columns)
    figure = _style.figure(_finding(names, before, during) + _style.hidden(shown, names), 1.2 + 2.0 * rows)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, name in zip(panels.flat, shown, strict=False):
        _draw_panel(axes, _style.shorten(name, 96 // columns), before.get(name), during.get(name))
    for axes in panels.flat[len(shown) :]:
        axes.set_axis_off()
    for axes in panels.flat[max(len(shown) - columns, 0) : len(shown)]:
        axes.tick_params(axis="x", labelbottom=True)  # also where no panel stands below
    _style.log_ticks(panels[0, 0].xaxis)  # shared by all
    figure.supxlabel("time to a useful answer, ms", size=9.5)
    figure.supylabel("share of requests answered", size=9.5)
    return figure


def _useful(requests: pd.DataFrame) -> Group:
    """By endpoint, the sorted time to a useful answer of each request in ms, infinite for failures."""
    time = requests["response_ms"].where(requests["ok"], np.inf).clip(lower=0.1)
    return {str(name): np.sort(values.to_numpy(dtype=float)) for name, values in time.groupby(requests["endpoint"])}


def _draw_panel(axes: Axes, name: str, before: NDArray[np.float64] | None, during: NDArray[np.float64] | None) -> None:
    axes.set_title(name)
    axes.set_xscale("log")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.set_ylim(0, 1.04)
    axes.grid()
    ends = []
    for label, times, colour in (("before", before, _style.BLUE), ("chaos", during, _style.VERMILLION)):
        useful = times[np.isfinite(times)] if times is not None else np.empty(0)
        if times is None or not len(useful):
            continue
        at = np.unique(np.quantile(useful, np.linspace(0, 1, 300)))
        share = np.searchsorted(times, at, side="right") / len(times)
        axes.plot(at, share, color=colour, lw=1.8, drawstyle="steps-post", ls="-" if len(times) >= _FEW else ":")
        axes.plot(at[-1], share[-1], "o", color=colour, ms=4)
        ends.append((share[-1], f"{label}\n{wording.percent(share[-1])}", colour))
    _style.label_ends(axes, ends, gap=0.22)


def _finding(names: list[str], before: Group, during: Group) -> str:
    """The endpoint that lost most useful answers within the time that 95 % of its requests took before."""
    losses = []
    for name in names:
        if name in before and name in during and len(before[name]) >= _FEW:
            limit = float(np.quantile(before[name], 0.95, method="lower"))
            share = np.searchsorted(during[name], limit, side="right") / len(during[name])
            losses.append((0.95 - share, name, limit, share))
    if not losses or not np.isfinite(max(losses)[2]):
        return "Time to a useful answer by endpoint; a curve ends at the share of requests that succeeded"
    _, name, limit, share = max(losses)
    name = _style.shorten(name, 40)
    within = f"answered 95 % of requests within {wording.seconds(limit / 1000)} before"
    return f"{name} {within}, {wording.percent(float(share))} under chaos"
