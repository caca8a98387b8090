"""`fault_window`: what befell the whole app for a while, and failed whoever was in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from chaos_analysis.patterns import collateral, error_rate, fault_window
from tests.chaos_analysis import world

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.evidence import Evidence

    MakeEvidence = Callable[..., Evidence]


def _window(evidence: Evidence, fault: str, *, met: int, failed: int, stage: str = "chaos") -> Evidence:
    """So many fault-free requests of a stage met a window of this fault; the first of them failed."""
    tables = evidence.tables
    rows = tables.requests
    places = rows.index[rows["control"] & rows["ok"] & (rows["stage"] == stage)][:met]
    rows = rows.copy()
    rows.loc[places, "rule"] = "window"
    rows.loc[places, "control"] = False
    rows["rules"] = [("window",) if at in set(places) else rules for at, rules in rows["rules"].items()]
    rows.loc[places[:failed], ["ok", "status", "error_class"]] = [False, 500, "HTTPError"]
    event = tables.faults.tail(1).assign(
        key="process", rule="window", fault=fault, seam="process", target="stage chaos"
    )
    event = event.assign(file=None, line=float("nan"), function=None)
    return replace(evidence, tables=replace(tables, requests=rows, faults=pd.concat([tables.faults, event])))


@pytest.mark.parametrize(
    ("fault", "severity"),
    [("descriptors_exhausted", "critical"), ("memory_pressure", "critical"), ("worker_killed", "low")],
)
def test_who_was_in_the_app_meanwhile_failed_by_it(make_evidence: MakeEvidence, fault: str, severity: str) -> None:
    """Told once, as shown by comparison; of a killed process's requests the app has no say."""
    evidence = _window(make_evidence(requests=1500, rules=(world.FARES_SLOW,)), fault, met=30, failed=28)
    (one,) = fault_window.find(evidence)
    assert (one.failures, one.rules, one.evidence, one.severity) == (28, ("window",), "causal", severity)
    assert list(collateral.find(evidence)) == []
    assert {found.severity for found in error_rate.find(evidence)} <= {"low"}


def test_a_window_that_fails_nobody_is_no_finding(make_evidence: MakeEvidence) -> None:
    """Nor is one whose requests fail as others do."""
    evidence = make_evidence(requests=1500, rules=(world.FARES_SLOW,))
    assert list(fault_window.find(_window(evidence, "cpu_pressure", met=30, failed=0))) == []
    assert list(fault_window.find(_window(evidence, "cpu_pressure", met=30, failed=1))) == []


def test_who_was_still_under_way_when_it_opened_is_no_baseline(make_evidence: MakeEvidence) -> None:
    """A request of the baseline that a window failed is no bug of the app's own."""
    evidence = make_evidence(requests=1500, rules=(world.FARES_SLOW,))
    evidence = _window(evidence, "worker_killed", met=3, failed=3, stage="baseline")
    assert list(collateral.find(evidence)) == []
