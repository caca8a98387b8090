"""The results table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.stats.endpoints import endpoint_stats

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.evidence import Evidence


def test_each_endpoint_has_a_row_for_the_run_and_for_each_stage(make_evidence: Callable[..., Evidence]) -> None:
    """Stages in their order, counts that add up, latencies of successes only."""
    evidence = make_evidence(requests=800)
    table = endpoint_stats(evidence.tables)
    rows = [row for row in table if row.endpoint == "GET /api/bookings"]
    assert [row.stage for row in rows] == ["all", "baseline", "chaos", "recovery"]
    assert rows[0].requests == sum(row.requests for row in rows[1:])
    assert rows[0].failures == sum(row.failures for row in rows[1:])
    assert rows[0].p50.n == rows[0].requests - rows[0].failures
    assert rows[3].p99.value is None
    assert rows[3].p99.need == 368
