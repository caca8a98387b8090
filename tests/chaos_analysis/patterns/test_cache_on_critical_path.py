"""`cache_on_critical_path`: a cache's trouble is the request's, though its value can be had elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from chaos_analysis.patterns import cache_on_critical_path
from tests.chaos_analysis import world

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chaos_analysis.evidence import Evidence

    MakeEvidence = Callable[..., Evidence]

STOCK = "127.0.0.1 stock:<id>"
HIT = [("cache", f"GET {STOCK}")]
FILL = [*HIT, ("http_client", "GET 127.0.0.1/stock"), ("cache", f"SET {STOCK}")]
COUNTER = [*HIT, ("cache", f"SET {STOCK}")]


def _of_a_cache(evidence: Evidence, requests: Sequence[list[tuple[str, str]]] = ()) -> Evidence:
    """The faults are of a cache; fault-free requests made these calls, one request after the other."""
    table = evidence.outcomes
    evidence.__dict__["outcomes"] = table.assign(seam="cache", dependency=f"GET {STOCK}")
    free = evidence.control[evidence.control["ok"]]["key"].head(len(requests))
    made = [(key, *call, at) for key, calls in zip(free, requests, strict=True) for at, call in enumerate(calls)]
    calls = pd.DataFrame(made, columns=["key", "seam", "dependency", "started"])
    calls = calls.assign(error=pd.Series([None] * len(calls), dtype=object))
    changed = replace(evidence, tables=replace(evidence.tables, calls=calls))
    changed.__dict__.update(outcomes=evidence.outcomes, call_names=(pd.DataFrame(), calls[["dependency"]]))
    return changed


def _missed(evidence: Evidence, outcome: str) -> Evidence:
    """Every second fault was a miss, of this outcome."""
    table = evidence.outcomes
    miss = pd.Series(range(len(table)), index=table.index) % 2 == 0
    evidence.__dict__["outcomes"] = table.assign(
        fault=table["fault"].mask(miss, "cache_miss"), outcome=table["outcome"].mask(miss, outcome)
    )
    return evidence


def test_a_value_that_a_miss_does_not_spare_need_not_be_in_the_cache(make_evidence: MakeEvidence) -> None:
    """Requests whose key was missing were right, those whose cache failed were not: the call site is named."""
    evidence = _missed(_of_a_cache(make_evidence(requests=1500, rules=(world.FARES_DOWN,))), "handled")
    one = next(one for one in cache_on_critical_path.find(evidence) if str(one.site) == "planner/fares.py:10")
    assert (one.severity, one.rate.value) == ("critical", 1.0)
    assert one.title.startswith("A cache in trouble fails GET /api/destinations (")


def test_a_value_that_others_fill_in_need_not_be_in_the_cache(make_evidence: MakeEvidence) -> None:
    """Fault-free requests that found it, and others that asked elsewhere and wrote it, show it as well."""
    evidence = _of_a_cache(make_evidence(requests=1500, rules=(world.FARES_DOWN,)), [HIT] * 3 + [FILL] * 3)
    assert "planner/fares.py:10" in {str(one.site) for one in cache_on_critical_path.find(evidence)}


@pytest.mark.parametrize(
    "requests", [[], [HIT] * 9, [FILL] * 9, [HIT] * 3 + [COUNTER] * 3, [HIT] * 3 + [FILL] * 2], ids=str
)
def test_what_may_live_in_the_cache_alone_is_left_alone(
    make_evidence: MakeEvidence, requests: list[list[tuple[str, str]]]
) -> None:
    """What is never filled in, or written each time, or from nowhere else, may be had nowhere else."""
    evidence = _of_a_cache(make_evidence(requests=1500, rules=(world.FARES_DOWN,)), requests)
    assert list(cache_on_critical_path.find(evidence)) == []


def test_a_miss_that_fails_too_proves_nothing(make_evidence: MakeEvidence) -> None:
    """Then the value is needed."""
    evidence = _missed(_of_a_cache(make_evidence(requests=1500, rules=(world.FARES_DOWN,))), "propagated")
    assert list(cache_on_critical_path.find(evidence)) == []
