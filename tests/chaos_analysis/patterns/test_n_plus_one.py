"""`n_plus_one`: one call an item, one after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from chaos_analysis.evidence import Evidence
from chaos_analysis.patterns import n_plus_one
from tests.chaos_analysis import world

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeEvidence = Callable[..., Evidence]


def _fanned(evidence: Evidence, targets: list[str], apart: float) -> Evidence:
    """Every call is made once for each target instead, `apart` seconds from one's start to the next, 10 ms each."""
    calls = evidence.tables.calls.assign(seconds=0.01)
    fans = [calls.assign(target=target, started=calls["started"] + n * apart) for n, target in enumerate(targets)]
    tables = replace(evidence.tables, calls=pd.concat(fans, ignore_index=True))
    return Evidence(tables, evidence.experiment, evidence.run)


def _stock(n: int) -> list[str]:
    return [f"GET 127.0.0.1/stock/{number}" for number in range(n)]


def test_calls_in_a_row_are_named(make_evidence: MakeEvidence) -> None:
    """With the line, the endpoint, how many, how long together, and the chance of the whole."""
    evidence = _fanned(make_evidence(requests=1500, rules=(world.FARES_DOWN,)), _stock(6), apart=0.011)
    one = next(found for found in n_plus_one.find(evidence) if str(found.site) == "planner/fares.py:10")
    assert one.title.startswith("GET /api/destinations calls Stock 6 times, one after the other (")
    assert "60 ms in the median request" in one.summary
    assert "5.9 % of the requests would meet one" in one.summary
    assert (one.severity, one.target) == ("medium", "GET 127.0.0.1/stock/<id>")
    assert one.failures == one.rate.value * one.rate.n > 0


@pytest.mark.parametrize(
    ("targets", "apart"), [(_stock(4), 0.011), (_stock(6), 0.002), (["GET 127.0.0.1/stock/1"] * 6, 0.011)]
)
def test_few_or_overlapping_or_repeated_calls_are_silent(
    make_evidence: MakeEvidence, targets: list[str], apart: float
) -> None:
    """Four are no list, what overlaps is bounded by the slowest, and the same call again is a repetition."""
    evidence = _fanned(make_evidence(requests=1500, rules=(world.FARES_DOWN,)), targets, apart)
    assert list(n_plus_one.find(evidence)) == []


def _valued(evidence: Evidence, values: list[str | None]) -> Evidence:
    """Every call is made once with each of these values instead, one after the other, under one name."""
    calls = evidence.tables.calls.assign(seconds=0.01, seam="database", target="SELECT stock 12345678")
    fans = [calls.assign(values=value, started=calls["started"] + n * 0.011) for n, value in enumerate(values)]
    tables = replace(evidence.tables, calls=pd.concat(fans, ignore_index=True))
    return Evidence(tables, evidence.experiment, evidence.run)


def test_one_statement_with_other_values_is_another_call(make_evidence: MakeEvidence) -> None:
    """As an ORM asks for the children of each item: by numbers, which are no part of a statement's identity."""
    evidence = _valued(make_evidence(requests=1500, rules=(world.FARES_DOWN,)), ["a0", "b1", "c2", "d3", "e4", "f5"])
    one = next(found for found in n_plus_one.find(evidence) if str(found.site) == "planner/fares.py:10")
    assert " 6 times, one after the other (" in one.title


@pytest.mark.parametrize("values", [["a0"] * 6, ["a0", "b1"] * 3, [None] * 6])
def test_one_statement_with_values_again_is_silent(make_evidence: MakeEvidence, values: list[str | None]) -> None:
    """A poll, one of two things, and calls of whose values nothing is noted, as in older ledgers."""
    evidence = _valued(make_evidence(requests=1500, rules=(world.FARES_DOWN,)), values)
    assert list(n_plus_one.find(evidence)) == []


def test_a_run_without_calls_is_silent(make_evidence: MakeEvidence) -> None:
    """Nothing noted, nothing found."""
    evidence = make_evidence(wrapped=False)
    assert list(n_plus_one.find(evidence)) == []
