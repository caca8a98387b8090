"""Failures by endpoint, where only Locust's statistics are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.plots import _bars, _style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from chaos_analysis.model import Analysis, EndpointStats

_MOST = 20


def draw(analysis: Analysis) -> Figure | None:
    """A bar an endpoint that failed, the largest first; None without any, and for a run, whose causes are known."""
    rows = [row for row in analysis.endpoints if row.stage == "all" and row.failures]
    if analysis.source != "locust-csv" or not rows:
        return None
    rows.sort(key=lambda row: row.failures, reverse=True)
    made = [_bars.Bar(row.endpoint, row.failures, _text(row), _style.VERMILLION) for row in rows[:_MOST]]
    return _bars.figure(_finding(rows), made, "failed requests")


def _finding(rows: list[EndpointStats]) -> str:
    total = sum(row.failures for row in rows)
    equal = sum(row.failures == rows[0].failures for row in rows)
    if equal > 1:
        most = f"{wording.count(rows[0].failures)} of {wording.plural(total, 'failure')} each"
        return f"{equal} endpoints failed most, with {most}"
    share, name = wording.percent(rows[0].failures / total), _style.shorten(rows[0].endpoint, 48)
    return f"{share} of {wording.plural(total, 'failure')} came from {name}"


def _text(row: EndpointStats) -> str:
    return f"{wording.count(row.failures)}  ({wording.percent(row.failures / row.requests)} of its requests)"
