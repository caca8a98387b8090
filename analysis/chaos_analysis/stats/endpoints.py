"""The results table: requests, success rate and latencies of each endpoint, in the whole run and in each stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chaos_analysis.model import EndpointStats, Tables
from chaos_analysis.stats.proportion import proportion
from chaos_analysis.stats.quantile import quantile

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd


def endpoint_stats(tables: Tables) -> tuple[EndpointStats, ...]:
    """Rows by endpoint: first stage `"all"`, then the stages in their order."""
    rows = tables.requests[["endpoint", "stage", "ok", "response_ms"]]
    order = {name: number for number, name in enumerate(tables.stages["name"])}
    found = [
        (str(endpoint), -1 if stage == "all" else order.get(stage, len(order)), _stats(str(endpoint), stage, group))
        for endpoint, whole in rows.groupby("endpoint", sort=True)
        for stage, group in _stages(whole)
    ]
    return tuple(stats for *_, stats in sorted(found, key=lambda row: row[:2]))


def _stages(whole: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "all", whole
    for stage, group in whole.groupby("stage", sort=False):
        yield str(stage), group


def _stats(endpoint: str, stage: str, group: pd.DataFrame) -> EndpointStats:
    ok = group["ok"].to_numpy()
    times = np.sort(group["response_ms"].to_numpy()[ok])
    times = times[~np.isnan(times)]
    p50, p95, p99 = (quantile(times, p) for p in (0.5, 0.95, 0.99))
    successes = int(ok.sum())
    rate = proportion(successes, len(ok))
    return EndpointStats(endpoint, stage, len(ok), len(ok) - successes, rate, p50, p95, p99)
