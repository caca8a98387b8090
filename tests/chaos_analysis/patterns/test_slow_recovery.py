"""`slow_recovery` where one endpoint stays as it was when the faults ended; the rest is in test_patterns.py."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos_analysis.patterns import slow_recovery

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Pattern

    MakeEvidence = Callable[..., Evidence]

STUCK = "GET /api/bookings"


def _one(evidence: Evidence, failing: Callable[[pd.DataFrame], pd.Series[bool]]) -> Pattern:
    """The finding where those of the endpoint's requests after the faults fail that `failing` chooses."""
    rows = evidence.tables.requests
    mine = rows[(rows["stage"] == "recovery") & (rows["endpoint"] == STUCK)].sort_values("started")
    hit = rows.index.isin(mine.index[failing(mine)])
    tables = replace(evidence.tables, requests=rows.assign(ok=rows["ok"] & ~hit))
    (one,) = slow_recovery.find(replace(evidence, tables=tables))
    return one


def test_an_endpoint_that_fails_to_the_last_had_not_recovered(make_evidence: MakeEvidence) -> None:
    """Though others went well after its last request; nobody can say what had to drain, or when it ended."""
    one = _one(make_evidence(requests=2000, rules=()), lambda mine: mine["ok"])
    assert one.title.startswith(f"{STUCK} had not recovered when the run ended, ")
    assert one.severity == "high"
    assert one.summary.endswith("the run ended before the trouble did.")
    assert dict(one.facts)["not recovered"] == f"the last {one.failures} of {STUCK}'s {one.failures}"


@pytest.mark.parametrize("well", [1, 3])
def test_an_endpoint_whose_last_requests_went_well_is_back(make_evidence: MakeEvidence, well: int) -> None:
    """One success after its failures is enough not to say more than was seen."""
    one = _one(make_evidence(requests=2000, rules=()), lambda mine: mine["started"] < mine["started"].iloc[-well])
    assert one.title.startswith("Trouble goes on for ")
    assert one.severity == "medium"
    assert one.summary.endswith("something had to drain first.")
    assert "not recovered" not in dict(one.facts)
