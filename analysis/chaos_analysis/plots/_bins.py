"""A run cut into slices of time for the timeline, from request rows or from Locust's history file.

No slice holds the requests of two stages where these follow one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chaos_analysis.plots import _stages

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chaos_analysis.model import Analysis

_WIDTHS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
_SLICES, _PER_SLICE = 100, 40
COLUMNS = ["start", "end", "requests", "failures", "p50", "p95"]


def of(analysis: Analysis) -> pd.DataFrame:
    """One row a slice: where it starts and ends in s, requests/s, failures/s, p50 and p95 of the successes in ms."""
    if len(analysis.tables.requests):
        return _from_requests(analysis.tables.requests, _stages.spans(analysis.tables))
    return _from_history(analysis.tables.history)


def _from_requests(requests: pd.DataFrame, spans: list[_stages.Span]) -> pd.DataFrame:
    requests = requests[["stage", "second", "response_ms", "ok"]].dropna()  # broken rows
    if requests.empty:
        return pd.DataFrame(columns=COLUMNS, dtype=float)
    second = requests["second"].to_numpy(dtype=float)
    spans = [span for span in spans if span.end > span.start]  # not those that run beside another
    borders = np.array(
        [0.0, *(span.start for span in spans[1:]), max(float(second.max()), *(s.end for s in spans), 0.1)]
    )
    edges, first = _edges(borders, _width(float(borders[-1]), len(second)))
    number = np.searchsorted(edges, second, side="right").clip(1, len(edges) - 1) - 1
    for at, span in enumerate(spans):  # parts of the load change over at slightly different moments
        own = (requests["stage"] == span.name).to_numpy()
        number[own] = number[own].clip(first[at], first[at + 1] - 1)
    ok = requests["ok"].to_numpy(dtype=bool)
    latency = pd.Series(requests["response_ms"].to_numpy(dtype=float)[ok]).groupby(number[ok])
    made = pd.DataFrame({"start": edges[:-1], "end": edges[1:]})
    length = made["end"] - made["start"]
    made["requests"] = np.bincount(number, minlength=len(made)) / length
    made["failures"] = np.bincount(number[~ok], minlength=len(made)) / length
    made["p50"] = latency.quantile(0.5)
    made["p95"] = latency.quantile(0.95)
    return made


def _edges(borders: NDArray[np.float64], width: float) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """The ends of slices about as long as `width` between `borders`, and which slice is the first after each border."""
    counts = np.maximum(np.round(np.diff(borders) / width), 1).astype(int)
    parts = [
        np.linspace(start, end, count, endpoint=False)
        for start, end, count in zip(borders, borders[1:], counts, strict=False)
    ]
    return np.append(np.concatenate(parts), borders[-1]), np.append(0, np.cumsum(counts))


def _width(duration: float, rows: int) -> float:
    """The smallest handy slice that makes at most `_SLICES`, with enough requests in each where there are many."""
    slices = min(_SLICES, max(rows // _PER_SLICE, 12))
    return next((width for width in _WIDTHS if duration / width <= slices), duration / slices)


def _from_history(history: pd.DataFrame) -> pd.DataFrame:
    """Rates from differences of the totals, as Locust's own are smoothed over ten seconds."""
    if len(history) < 2:
        return pd.DataFrame(columns=COLUMNS, dtype=float)
    kept = history.drop_duplicates("Timestamp", keep="last")
    time = kept["Timestamp"].to_numpy(dtype=float)
    step = np.diff(time)
    made = pd.DataFrame({"start": time[:-1] - time[0], "end": time[1:] - time[0]})
    made["requests"] = np.diff(kept["Total Request Count"].to_numpy(dtype=float)) / step
    made["failures"] = np.diff(kept["Total Failure Count"].to_numpy(dtype=float)) / step
    for name, column in (("p50", "50%"), ("p95", "95%")):
        made[name] = kept[column].to_numpy(dtype=float)[1:]
    return _thin(made)


def _thin(rows: pd.DataFrame) -> pd.DataFrame:
    """Means of neighbours, so that a long history stays readable."""
    every = -(-len(rows) // (2 * _SLICES))
    parts = rows.groupby(np.arange(len(rows)) // every)
    return parts.mean().assign(start=parts["start"].min(), end=parts["end"].max())
