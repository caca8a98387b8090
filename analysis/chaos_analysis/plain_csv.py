"""Somebody's plain Locust CSVs: no request of its own, no fault, no stage, but totals, messages and a history."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from chaos_analysis import fixes, plain_patterns, tables, wording
from chaos_analysis.errors import CsvError
from chaos_analysis.model import Analysis, Check, EndpointStats, Estimate
from chaos_analysis.patterns import ranked
from chaos_analysis.stats import proportion
from chaos_analysis.tables import locust_csv

if TYPE_CHECKING:
    from chaos_analysis.model import Pattern

UNKNOWABLE = (
    "Intervals of the latencies: Locust keeps times in buckets of two significant digits, not the requests.",
    "Latencies of successes alone: these percentiles mix failures with successes.",
    "Which failures have a cause in common, and which line of the app they come from: nothing joins them to the app.",
    "What a fault did: no fault and no stage is recorded, so nothing here is a comparison.",
    "How long a request waited before it was sent: a closed loop hides a stall behind the requests it did not send.",
)


def read_plain(prefix: str) -> Analysis:
    """Everything that `PREFIX_stats.csv` and its companions tell; raises `CsvError` where that file cannot be used."""
    stats = locust_csv.read(Path(f"{prefix}_stats.csv"), locust_csv.STATS)
    gaps: list[str] = []
    history = _history(f"{prefix}_stats_history.csv", gaps)
    failures = _optional(f"{prefix}_failures.csv", locust_csv.FAILURES, gaps)
    exceptions = _optional(f"{prefix}_exceptions.csv", locust_csv.EXCEPTIONS, gaps)
    if stats.empty:
        gaps.append(f"{prefix}_stats.csv has no whole row")
    endpoints = _endpoints(stats)
    found = ranked(plain_patterns.find(endpoints, history, failures, exceptions))
    checks = (_data(endpoints, tuple(gaps)), _tail(endpoints, history))
    return Analysis(
        source="locust-csv",
        run={},
        experiment={},
        tables=replace(
            tables.empty(), history=history, totals=locust_csv.totals(Path(f"{prefix}_stats.csv")), gaps=tuple(gaps)
        ),
        endpoints=endpoints,
        patterns=found,
        proposals=fixes.advise(found),
        checks=checks,
        slos=(),
        verdict="invalid" if checks[0].ok is False else "no SLO",
        headline=_headline(endpoints, found),
        exit_code=3 if checks[0].ok is False else 0,
        unknowable=UNKNOWABLE,
    )


def _history(path: str, gaps: list[str]) -> pd.DataFrame:
    try:
        return locust_csv.history(Path(path))
    except CsvError as error:
        gaps.append(str(error))
        return locust_csv.without_rows(locust_csv.HISTORY)


def _optional(path: str, columns: tuple[str, ...], gaps: list[str]) -> pd.DataFrame:
    try:
        return locust_csv.read(Path(path), columns)
    except CsvError as error:
        gaps.append(str(error))
        return locust_csv.without_rows(columns)


def _endpoints(stats: pd.DataFrame) -> tuple[EndpointStats, ...]:
    rows = stats[stats["Name"] != "Aggregated"]
    columns = locust_csv.percentiles(stats)
    found = []
    for values in rows.to_dict("records"):
        n, bad = int(values["Request Count"]), int(values["Failure Count"])
        p50, p95, p99 = (_bucket(values.get(columns.get(p, "")), n) for p in (0.5, 0.95, 0.99))
        name = locust_csv.endpoint(str(values["Type"]), str(values["Name"]))
        found.append(EndpointStats(name, "all", n, bad, proportion(n - bad, n), p50, p95, p99))
    return tuple(found)


def _bucket(value: object, n: int) -> Estimate:
    """Locust's own percentile: a bucket, so without an interval."""
    known = isinstance(value, int | float) and value == value  # noqa: PLR0124 - NaN
    return Estimate(float(value) if known and isinstance(value, int | float) else None, None, None, n, "ms")


def _data(endpoints: tuple[EndpointStats, ...], gaps: tuple[str, ...]) -> Check:
    n = sum(one.requests for one in endpoints)
    return Check("data", ok=n > 0, summary=f"{wording.plural(n, 'request')} in the statistics", details=gaps)


def _tail(endpoints: tuple[EndpointStats, ...], history: pd.DataFrame) -> Check:
    """Locust writes its CSVs every second and not at the end: statistics and history may lack different tails."""
    stats = sum(one.requests for one in endpoints)
    last = int(history["Total Request Count"].max()) if len(history) else 0
    if not last or not stats:
        return Check("tail", ok=None, summary="no history to compare the totals with", fatal=False)
    most = max(last, stats)
    lost = abs(last - stats) / most
    summary = f"statistics have {wording.count(stats)} requests, the history ends at {wording.count(last)}"
    if lost:
        summary += f": at least {wording.percent(lost)} are missing from one of them"
    return Check("tail", ok=not lost, summary=summary, fatal=False)


def _headline(endpoints: tuple[EndpointStats, ...], found: tuple[Pattern, ...]) -> str:
    n, bad = sum(one.requests for one in endpoints), sum(one.failures for one in endpoints)
    if not n:
        return "These statistics hold no request."
    first = f"; first: {found[0].title}" if found else "; nothing in them stands out"
    return f"{wording.percent(bad / n)} of {wording.plural(n, 'request')} failed{first}."
