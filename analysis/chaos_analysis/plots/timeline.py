"""Load, failures and latency over time, with the stages shaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.plots import _bins, _contrast, _stages, _style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from chaos_analysis.model import Analysis


def draw(analysis: Analysis) -> Figure | None:
    """Requests and failures a second above, p50 and p95 of the successes below; None without any request."""
    rows = _bins.of(analysis)
    if rows.empty:
        return None
    spans = _stages.spans(analysis.tables)
    figure = _style.figure(_finding(analysis, spans), 4.6)
    load, latency = figure.subplots(2, 1, sharex=True)
    _draw_load(load, rows)
    _draw_latency(latency, rows, "successes" if analysis.source == "run" else "all requests, cumulative")
    _shade(load, latency, spans)
    latency.set_xlabel("time since the first request, s")
    latency.set_xlim(0, max(float(rows["end"].iloc[-1]), spans[-1].end if spans else 0))
    return figure


def _draw_load(axes: Axes, rows: pd.DataFrame) -> None:
    edges = _edges(rows)
    axes.stairs(rows["failures"], edges, color=_style.VERMILLION, alpha=0.85, lw=0, fill=True, zorder=2)
    axes.stairs(rows["requests"], edges, color=_style.BLUE, lw=1.6, baseline=None, zorder=2)
    axes.set_ylim(0, rows["requests"].max() * 1.5 or 1)
    axes.set_ylabel("per second")
    axes.grid(axis="y")
    end = rows.iloc[-1]
    labels = [(end["requests"], "requests", _style.BLUE), (end["failures"], "failures", _style.VERMILLION)]
    _style.label_ends(axes, labels, gap=0.13)


def _draw_latency(axes: Axes, rows: pd.DataFrame, of_what: str) -> None:
    known = rows[rows["p95"] > 0]
    axes.set_ylabel(f"latency, ms\n({of_what})")
    axes.grid(axis="y")
    if known.empty:
        return
    axes.set_yscale("log")
    for column, colour in (("p95", _style.PURPLE), ("p50", _style.GREEN)):
        axes.stairs(rows[column].where(rows["p95"] > 0), _edges(rows), color=colour, lw=1.6, baseline=None, zorder=2)
    _style.log_ticks(axes.yaxis)
    end = known.iloc[-1]
    _style.label_ends(axes, [(end["p50"], "p50", _style.GREEN), (end["p95"], "p95", _style.PURPLE)], gap=0.13)


def _edges(rows: pd.DataFrame) -> list[float]:
    return [*rows["start"], rows["end"].iloc[-1]]


def _shade(top: Axes, bottom: Axes, spans: list[_stages.Span]) -> None:
    """Each stage's ground and its name; a name too long for its stage stands upright."""
    if not spans:
        return
    per_letter = max(spans[-1].end, 1e-9) / 105
    for span in spans:
        for axes in (top, bottom):
            axes.axvspan(span.start, span.end, color=_style.ORANGE if span.on else _style.GREY, alpha=0.13, lw=0)
        fits = (span.end - span.start) > len(span.name) * per_letter
        place = ((span.start + span.end) / 2, 0.97)
        name = _style.shorten(span.name, 24)
        text = top.annotate(name, place, xycoords=("data", "axes fraction"), ha="center", va="top")
        if not fits:
            text.set(rotation=90, size=8)


def _finding(analysis: Analysis, spans: list[_stages.Span]) -> str:
    if analysis.tables.requests.empty:
        return _contrast.overall(analysis.endpoints)
    requests = analysis.tables.requests[["stage", "second", "ok"]]
    before, during, after = _stages.split(requests)
    text = _contrast.failures(before["ok"], during["ok"])
    if after.empty or during.empty:
        return text
    ended = max((span.end for span in spans if span.on), default=float(during["second"].max()))
    return f"{text}; {_contrast.recovery(after, ended)}"
