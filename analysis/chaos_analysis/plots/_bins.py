"""A run cut into slices of time for the timeline, from request rows or from Locust's history file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from chaos_analysis.model import Analysis

_WIDTHS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
_SLICES, _PER_SLICE = 100, 40
COLUMNS = ["second", "requests", "failures", "p50", "p95"]


def of(analysis: Analysis) -> pd.DataFrame:
    """One row a slice: its middle in s, requests/s, failures/s, and p50 and p95 of the successes in ms."""
    if len(analysis.tables.requests):
        return _from_requests(analysis.tables.requests)
    return _from_history(analysis.tables.history)


def _from_requests(requests: pd.DataFrame) -> pd.DataFrame:
    requests = requests[["second", "response_ms", "ok"]].dropna()  # broken rows
    if requests.empty:
        return pd.DataFrame(columns=COLUMNS, dtype=float)
    second = requests["second"].to_numpy(dtype=float)
    width = _width(float(second.max()), len(second))
    number = (second // width).astype(int)
    # The last slice is not full: its rate would look like a drop that never was.
    slices = max(int(second.max() // width), 1)
    ok = requests["ok"].to_numpy(dtype=bool)
    latency = pd.Series(requests["response_ms"].to_numpy(dtype=float)[ok]).groupby(number[ok])
    made = pd.DataFrame({"second": (np.arange(slices) + 0.5) * width})
    made["requests"] = np.bincount(number, minlength=slices)[:slices] / width
    made["failures"] = np.bincount(number[~ok], minlength=slices)[:slices] / width
    made["p50"] = latency.quantile(0.5)
    made["p95"] = latency.quantile(0.95)
    return made


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
    made = pd.DataFrame({"second": time[1:] - time[0]})
    made["requests"] = np.diff(kept["Total Request Count"].to_numpy(dtype=float)) / step
    made["failures"] = np.diff(kept["Total Failure Count"].to_numpy(dtype=float)) / step
    for name, column in (("p50", "50%"), ("p95", "95%")):
        made[name] = kept[column].to_numpy(dtype=float)[1:]
    return _thin(made)


def _thin(rows: pd.DataFrame) -> pd.DataFrame:
    """Means of neighbours, so that a long history stays readable."""
    every = -(-len(rows) // (2 * _SLICES))
    return rows.groupby(np.arange(len(rows)) // every).mean()
