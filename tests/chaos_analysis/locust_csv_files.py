"""The four files that `locust --csv PREFIX` leaves, as Locust 2.47 writes them: bucketed times, cumulative history."""

from __future__ import annotations

import csv
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PERCENTILES = ["50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%"]
STATS = [
    *("Type", "Name", "Request Count", "Failure Count", "Median Response Time", "Average Response Time"),
    *("Min Response Time", "Max Response Time", "Average Content Size", "Requests/s", "Failures/s", *PERCENTILES),
]
HISTORY = [
    *("Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s", *PERCENTILES),
    *("Total Request Count", "Total Failure Count", "Total Median Response Time", "Total Average Response Time"),
    *("Total Min Response Time", "Total Max Response Time", "Total Average Content Size"),
]


def write_locust_csv(
    prefix: Path,
    times: Mapping[str, Sequence[Sequence[float]]],
    errors: Mapping[tuple[str, str, str], int],
    users: int,
    *,
    rate: float = 50.0,
    started: int = 1_760_000_000,
) -> None:
    """`times` maps `"GET /path"` to the response times in ms of its successes and of its failures."""
    total = [[t for ok, _ in times.values() for t in ok], [t for _, bad in times.values() for t in bad]]
    rows = [[*name.split(" ", 1), *_numbers(*both, rate)] for name, both in sorted(times.items())]
    rows.append(["", "Aggregated", *_numbers(*total, rate)])
    _write(f"{prefix}_stats.csv", STATS, rows)
    _write(f"{prefix}_stats_history.csv", HISTORY, _history(total, users, rate, started))
    stamp = "2025-10-09T08:53:20Z"
    failures = [[method, name, error, n, stamp, stamp] for (method, name, error), n in errors.items()]
    _write(f"{prefix}_failures.csv", ["Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen"], failures)
    _write(f"{prefix}_exceptions.csv", ["Count", "Message", "Traceback", "Nodes"], [])


def _numbers(ok: Sequence[float], bad: Sequence[float], rate: float) -> list[object]:
    every = np.array([*ok, *bad])
    n = len(every)
    share = n and len(bad) / n
    figures = [n, len(bad), int(np.median(every)), every.mean(), every.min(), every.max(), 512.0, rate, rate * share]
    return [*figures, *_percentiles(every)]


def _percentiles(every: np.ndarray) -> list[int]:
    return [_bucket(float(np.quantile(every, float(p[:-1]) / 100))) for p in PERCENTILES]


def _bucket(milliseconds: float) -> int:
    """Two significant digits, as Locust keeps response times."""
    digits = 0 if milliseconds < 100 else 1 if milliseconds < 1000 else 2 if milliseconds < 10000 else 3
    return int(round(milliseconds, -digits))


def _history(total: Sequence[Sequence[float]], users: int, rate: float, started: int) -> list[list[object]]:
    n, bad = len(total[0]) + len(total[1]), len(total[1])
    every = np.array([*total[0], *total[1]])
    percentiles = _percentiles(every)
    spread = [int(np.median(every)), every.mean(), every.min(), every.max(), 512.0]
    rows: list[list[object]] = [[started, 0, "", "Aggregated", "0.000000", "0.000000", *["N/A"] * 11, *[0] * 7]]
    for second in range(1, ceil(n / rate) + 1):
        so_far = min(n, int(second * rate))
        speeds = [f"{rate:2f}", f"{rate * bad / n:2f}"]
        totals = [so_far, round(bad * so_far / n), *spread]
        rows.append([started + second, users, "", "Aggregated", *speeds, *percentiles, *totals])
    return rows


def _write(path: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:  # noqa: PTH123 - the prefix is no path of its own
        csv.writer(file).writerows([header, *rows])
