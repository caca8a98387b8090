"""Findings: each finder finds its own truth, and nothing where there is none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from chaos_analysis import patterns
from chaos_analysis.evidence import SIGNIFICANT
from chaos_analysis.patterns import (
    arranged,
    collateral,
    dependency_error,
    error_rate,
    find_all,
    find_wholes,
    missing_timeout,
    slow_recovery,
    tail_latency,
    unhandled_exception,
    wrong_content,
)
from tests.chaos_analysis import world
from tests.chaos_analysis.conftest import read_evidence

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.evidence import Evidence
    from tests.chaos_analysis.world import Truth

    MakeEvidence = Callable[..., Evidence]

HARMLESS = {**world.FARES_DOWN, "name": "fares-noop", "fault": {"type": "noop"}}
CACHED = {"seam": "cache", "target": "POST 127.0.0.1/fares?to=moon"}
PAYMENTS_SLOW = {**world.FARES_SLOW, "name": "payments-slow", "match": {"path": ["/payments*"]}}


def test_every_file_is_a_finder() -> None:
    """A file that is not in the tuple would never find anything."""
    assert patterns.__file__
    files = {path.stem for path in Path(patterns.__file__).parent.glob("[!_]*.py")}
    assert {module.__name__.rpartition(".")[2] for module in (*patterns.FINDERS, *patterns.LACKS)} == files


def test_what_is_lacking_is_a_part_of_what_goes_wrong_there(
    make_evidence: MakeEvidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands right behind it and names it; at a call site where nothing goes wrong it stands alone."""
    evidence = make_evidence(requests=1000)
    (wrong,) = (one for one in find_all(evidence) if one.finder == "dependency_error" and "Fares" in one.title)
    assert wrong.site is not None
    elsewhere = replace(wrong.site, line=wrong.site.line + 100)
    lacks = [
        replace(wrong, id=name, finder="no_such", site=site) for name, site in (("a", wrong.site), ("b", elsewhere))
    ]
    finder = ModuleType("no_such")
    finder.find = lambda _: iter(lacks)  # type: ignore[attr-defined]  # as a finder's file has it
    monkeypatch.setattr(patterns, "LACKS", (finder,))
    found = find_all(evidence)
    ids = [pattern.id for pattern in found]
    assert {pattern.id: pattern.part_of for pattern in found if pattern.part_of or pattern.id in "ab"} == {
        "a": wrong.id,
        "b": None,
    }
    assert ids[ids.index(wrong.id) + 1] == "a"


def test_a_whole_is_no_less_severe_than_its_graver_parts(make_evidence: MakeEvidence) -> None:
    """With the part that it is so severe for; a grave one stands alone where the app tells its errors itself."""
    wholes = find_wholes(make_evidence(requests=1000))
    (wrong,) = (one for one in wholes if one.finder == "dependency_error" and "Fares" in one.title)
    mild, told = (replace(wrong, id=severity, severity=severity) for severity in ("medium", "low"))
    grave = replace(wrong, id="grave", finder="no_such", title="grave", severity="high")
    less = replace(grave, id="less", severity="medium")
    found = {one.id: one for one in arranged([mild], [less, grave])}
    assert (found["medium"].severity, dict(found["medium"].facts)["high for"]) == ("high", "grave")
    assert {one.part_of for one in (found["grave"], found["less"])} == {"medium"}
    assert arranged([mild], [less])[0] == mild
    assert [(one.id, one.part_of) for one in arranged([told], [less, grave])] == [
        ("grave", None),
        ("low", None),
        ("less", "low"),
    ]
    assert arranged([wrong], [grave])[0] == wrong


@pytest.mark.parametrize("rules", [(), (HARMLESS,)], ids=["no rules", "noop"])
def test_nothing_is_found_where_nothing_is_wrong(make_evidence: MakeEvidence, rules: tuple[dict, ...]) -> None:
    """A run without harm has no pattern at all."""
    assert find_all(make_evidence(requests=1000, rules=rules)) == ()


def test_noise_is_seldom_called_a_finding(make_evidence: MakeEvidence) -> None:
    """Over 20 A/A runs with 10 % own failures a cause is named falsely in at most 3 (1 is to be expected)."""
    named = 0
    for seed in range(20):
        evidence = make_evidence(requests=1000, seed=seed, rules=(HARMLESS,), own_bug=0.1)
        named += bool((evidence.tests["q"] < SIGNIFICANT).any())
    assert named <= 3


def test_a_call_without_a_timeout_is_named_with_its_line(make_evidence: MakeEvidence) -> None:
    """Every delay that was waited out, the call's site, and how long."""
    found = {str(one.site): one for one in missing_timeout.find(make_evidence(requests=1500))}
    assert set(found) == {"planner/fares.py:10", "planner/fares.py:18"}
    one = found["planner/fares.py:10"]
    assert one.title.startswith("Fares call has no timeout: a 3 s delay passed whole to GET /api/destinations (")
    assert one.evidence == "direct"
    assert one.rules == ("fares-slow",)
    assert one.slow > 0


def test_a_call_with_a_timeout_is_not_blamed_for_missing_one(make_evidence: MakeEvidence) -> None:
    """Its timeout turns the delay into an error, which is a finding of its own."""
    evidence = make_evidence(requests=1500, rules=(PAYMENTS_SLOW,))
    assert list(missing_timeout.find(evidence)) == []
    (one,) = dependency_error.find(evidence)
    assert dict(one.facts)["exception that left the app"] == "ReadTimeout"


def test_without_call_sites_neither_seams_nor_services_are_put_together(
    make_run: Callable[..., tuple[Path, Truth]], no_sites: Callable[[Path], None]
) -> None:
    """One finding for whom the app called, with the failures of just those calls, as where the lines are known."""
    folder, _ = make_run(requests=1500)
    known = [(one.endpoint, one.seam, one.rules, one.failures) for one in dependency_error.find(read_evidence(folder))]
    no_sites(folder)
    found = list(dependency_error.find(read_evidence(folder)))
    assert {one.site for one in found} == {None}
    assert sorted((one.endpoint, one.seam, one.rules, one.failures) for one in found) == sorted(known)
    assert len(found) > 1
    for part in folder.glob("faults/*.jsonl"):  # as if one service were a cache with the other's name
        records = map(json.loads, part.read_text().splitlines())
        moved = (each | CACHED if str(each.get("target")).startswith("POST") else each for each in records)
        part.write_text("".join(f"{json.dumps(each)}\n" for each in moved))
    found = list(dependency_error.find(read_evidence(folder)))
    assert sorted(str(one.seam) for one in found) == ["cache", "http_client"]


def test_a_dependency_error_is_one_finding_a_call_site(make_evidence: MakeEvidence) -> None:
    """Both directions: every failure that a fault at the call caused, and no other."""
    evidence = make_evidence(requests=1500)
    found = {str(one.site): one for one in dependency_error.find(evidence)}
    assert set(found) == {"planner/fares.py:10", "planner/payments.py:10"}
    one = found["planner/payments.py:10"]
    rows = evidence.rows
    hit = rows["rules"].map(lambda rules: "payments-503" in rules)
    assert one.failures == int((hit & ~rows["ok"]).sum())
    assert (one.evidence, one.severity, one.rate.value) == ("direct", "critical", 1.0)
    assert one.p_value is not None
    assert one.p_value < SIGNIFICANT
    met = evidence.tables.faults
    met = met[met["rule"].isin(one.rules)]["key"].nunique()
    assert one.title.endswith(f"({one.failures} of {met})")
    assert f": {one.failures} of {met} requests that met it failed by it. " in one.summary
    assert f"Of {one.rate.n} requests that met it alone 100 % " in one.summary
    assert one.rate.n < met


def test_without_the_apps_frames_the_cause_is_told_by_comparison(make_evidence: MakeEvidence) -> None:
    """Requests with that fault alone against requests with none."""
    evidence = make_evidence(requests=1500)
    answers = evidence.tables.answers.assign(error=None)
    blind = replace(evidence, tables=replace(evidence.tables, answers=answers))
    assert {one.evidence for one in dependency_error.find(blind)} == {"causal"}


def test_an_error_that_the_app_tells_itself_is_low(make_evidence: MakeEvidence) -> None:
    """A 503 that no exception stands behind is what a mapped error looks like; one 500 among them and it is not."""
    evidence = make_evidence(requests=1500)
    tables = evidence.tables
    rows = tables.requests.assign(status=tables.requests["status"].replace(500, 503))
    told = replace(evidence, tables=replace(tables, requests=rows, answers=tables.answers.assign(error=None)))
    assert {one.severity for one in dependency_error.find(told)} == {"low"}
    raised = replace(evidence, tables=replace(tables, requests=rows))
    assert "low" not in {one.severity for one in dependency_error.find(raised)}
    plain = replace(evidence, tables=replace(tables, answers=tables.answers.assign(error=None)))
    assert "low" not in {one.severity for one in dependency_error.find(plain)}


def test_an_answer_without_its_content_is_tied_to_the_hidden_fault(make_evidence: MakeEvidence) -> None:
    """A 200 whose check failed, at the call whose error was swallowed."""
    (one,) = wrong_content.find(make_evidence(requests=1500))
    assert str(one.site) == "planner/fares.py:18"
    assert one.endpoint == "GET /api/destinations/[slug]"
    assert one.severity == "high"
    assert dict(one.facts)["what the check said"] == "no fare in the answer"


def test_own_bugs_are_never_blamed_on_a_fault(make_evidence: MakeEvidence) -> None:
    """What fails in the baseline is found as such; harmless faults beside it are in no finding."""
    evidence = make_evidence(requests=1500, rules=(HARMLESS, world.EDGE_LATENCY), own_bug=0.6)
    found = [one for one in find_all(evidence) if one.finder != "tail_latency"]
    assert [one.id for one in found] == ["collateral:own:GET /api/bookings"]
    assert found[0].severity == "critical"
    assert found[0].rules == ()


def test_an_endpoint_that_always_fails_is_no_fault_of_the_edge(make_evidence: MakeEvidence) -> None:
    """It would have failed anyway: no exception injected there is called the cause."""
    evidence = make_evidence(requests=1500, rules=(world.EDGE_EXCEPTION,), own_bug=1.0)
    (one,) = unhandled_exception.find(evidence)
    assert "GET /api/bookings " not in dict(one.facts)["endpoints"]


def test_a_bug_of_the_apps_own_is_seldom_called_collateral(make_evidence: MakeEvidence) -> None:
    """Not once in 30 runs in which one request in four of a route fails before any call, and so meets no fault there,
    while half of those that come to the call do; nor that failures rise, nor that they outlast the faults.
    """
    often = {**world.PAYMENTS_503, "rate": 0.5, "fault": {"type": "noop"}}
    for seed in range(30):
        evidence = make_evidence(requests=600, seed=seed, rules=(often,))
        rows = _failing_at_rest(evidence.tables.requests, seed)
        evidence = replace(evidence, tables=replace(evidence.tables, requests=rows))
        found = (*collateral.find(evidence), *error_rate.find(evidence), *slow_recovery.find(evidence))
        assert {one.id for one in found} == {"collateral:own:POST /api/bookings"}


def _failing_at_rest(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One booking in four fails, as dice of their own say; those meet no fault."""
    hit = (rows["endpoint"] == "POST /api/bookings") & (np.random.default_rng(seed).random(len(rows)) < 0.25)
    return rows.assign(ok=rows["ok"] & ~hit, control=rows["control"] | hit, rule=rows["rule"].where(~hit, ""))


def test_failures_beside_faults_are_collateral(make_evidence: MakeEvidence) -> None:
    """Requests without a fault that fail only while others meet faults; with what left the app in those noted."""
    (one,) = collateral.find(make_evidence(requests=2500, collateral=0.2, sampled=1.0))
    assert one.id == "collateral:beside:GET /api/bookings"
    assert one.baseline is not None
    assert one.baseline.value == 0
    assert "QueuePool limit" in dict(one.facts)["exceptions that left the app"]


def test_collateral_tells_the_errors_that_calls_met_without_a_fault(make_evidence: MakeEvidence) -> None:
    """They may name the state where the app keeps the exception to itself; what others' calls met is not told."""
    evidence = make_evidence(requests=2500, collateral=0.2, sampled=1.0)
    rows, calls = evidence.tables.requests, evidence.tables.calls
    failed = rows.loc[~rows["ok"] & rows["control"] & (rows["stage"] != "baseline"), "key"]
    told = {"error": "InFailedSqlTransaction", "file": "reports.py", "line": 30.0}
    mine = calls.head(len(failed)).assign(key=failed.to_numpy(), **told)
    others = mine.assign(key="9.9.9", error="Deadlock")
    tables = replace(evidence.tables, calls=pd.concat([mine, others], ignore_index=True))
    (one,) = collateral.find(replace(evidence, tables=tables))
    assert dict(one.facts)["errors of their calls"] == "InFailedSqlTransaction at reports.py:30"


def test_what_is_injected_at_the_edge_is_said_plainly_and_ranked_last(make_evidence: MakeEvidence) -> None:
    """It causes most failures of this run and still stands below everything that the app could mend."""
    found = find_all(make_evidence(requests=1500, rules=(*world.RULES, world.EDGE_503)))
    edge = [one for one in found if one.finder == "unhandled_exception"]
    assert {one.rules for one in edge} == {("edge-exception",), ("edge-503",)}
    assert {one.severity for one in edge} == {"low"}
    assert any("the app had no say" in one.summary for one in edge)
    assert max(found, key=lambda one: one.failures) in edge
    order = [one.severity == "low" for one in found]
    assert order == sorted(order)


def test_counts_of_failures_add_up(make_evidence: MakeEvidence) -> None:
    """Each failed request has one cause, so what goes wrong never explains more failures than there were."""
    evidence = make_evidence(requests=2000, collateral=0.2)
    found = find_all(evidence)
    assert sum(one.failures for one in found if one.part_of is None) == int((~evidence.rows["ok"]).sum())


def test_trouble_after_the_faults_is_timed(make_evidence: MakeEvidence) -> None:
    """How long it took until the service was back."""
    (one,) = slow_recovery.find(make_evidence(requests=2000, rules=(), slow_recovery=2.0))
    assert one.severity == "medium"
    assert dict(one.facts)["last trouble"].startswith(("3.9", "4"))  # 2 s of arrivals, the last answered 2 s later


def test_trouble_that_does_not_end_is_said(make_evidence: MakeEvidence) -> None:
    """The run ended first."""
    (one,) = slow_recovery.find(make_evidence(requests=2000, rules=(), slow_recovery=60.0))
    assert one.severity == "high"
    assert "and 2 more had not recovered when the run ended, 3.98 s after the faults" in one.title


def test_a_slow_tail_is_explained_by_delays(make_evidence: MakeEvidence) -> None:
    """The rise is told with its interval, and is low where injected delays explain it."""
    found = list(tail_latency.find(make_evidence(requests=2000, rules=({**world.EDGE_LATENCY, "rate": 0.2},))))
    assert len(found) == 4
    assert {one.severity for one in found} == {"low"}
    assert all("100 % of the" in one.title for one in found)


def test_a_slow_tail_without_delays_is_not_low(make_evidence: MakeEvidence) -> None:
    """Slowness that no injected delay explains is the app's."""
    evidence = make_evidence(requests=2000, rules=())
    rows = evidence.rows.assign(
        response_ms=evidence.rows["response_ms"] * (1 + 9 * (evidence.rows["stage"] == "chaos"))
    )
    slow = replace(evidence, experiment=None, tables=replace(evidence.tables, requests=rows))
    found = list(tail_latency.find(slow))
    assert {one.severity for one in found} == {"high"}
    assert all(one.slow > 0 for one in found)


@pytest.mark.parametrize(("rules", "severities"), [((), set()), (({**world.EDGE_LATENCY, "rate": 0.05},), {"low"})])
def test_a_hitch_is_no_slow_tail(make_evidence: MakeEvidence, rules: tuple[dict, ...], severities: set[str]) -> None:
    """What all fell into two seconds of the chaos may be the machine's: without a delay no finding, else a low one."""
    evidence = make_evidence(requests=2000, rules=rules)
    rows = evidence.rows
    chaos = rows[rows["stage"] == "chaos"]
    start = chaos["started"].median() // 1
    hit = (rows["started"] >= start) & (rows["started"] < start + 2)
    assert hit.sum() > 0.06 * len(chaos)
    rows = rows.assign(response_ms=rows["response_ms"] * (1 + 9 * hit))
    hitch = replace(evidence, experiment=None, tables=replace(evidence.tables, requests=rows))
    assert {one.severity for one in tail_latency.find(hitch)} == severities


def test_a_rise_in_failures_counts_what_is_not_explained(make_evidence: MakeEvidence) -> None:
    """The overview claims only failures that no other finding has."""
    evidence = make_evidence(requests=1500)
    found = {one.endpoint: one for one in error_rate.find(evidence)}
    one = found["POST /api/bookings"]
    assert (one.failures, one.severity) == (0, "low")
    assert dict(one.facts).keys() == {"failed by edge-exception", "failed by payments-503"}


def test_without_a_baseline_the_control_group_serves(make_evidence: MakeEvidence) -> None:
    """A run that is all chaos still has its causes."""
    found = find_all(make_evidence(requests=1000, stages=(("chaos", 1.0),)))
    assert {"missing_timeout", "dependency_error", "wrong_content"} <= {one.finder for one in found}


def test_without_a_baseline_what_fails_without_a_fault_is_still_told(make_evidence: MakeEvidence) -> None:
    """A run that is all chaos has an endpoint that fails by itself on its list, with the requests that met no fault."""
    evidence = make_evidence(requests=1000, stages=(("chaos", 1.0),), own_bug=1.0)
    (one,) = collateral.find(evidence)
    control = evidence.control[evidence.control["endpoint"] == "GET /api/bookings"]
    assert one.id == "collateral:own:GET /api/bookings"
    assert f"({len(control)} of {len(control)} that met none)" in one.title
    assert "before" not in one.summary
    assert one.failures == len(control)


def test_ids_are_stable_between_runs(make_evidence: MakeEvidence) -> None:
    """Another seed, the same weak places: the same ids."""
    ids = [{one.id for one in find_all(make_evidence(requests=1500, seed=seed)) if one.site} for seed in (1, 2)]
    assert ids[0] == ids[1] != set()


def test_two_calls_in_one_function_are_told_apart(make_evidence: MakeEvidence) -> None:
    """Findings are linked to their fixes by id: no two share one."""
    evidence = make_evidence(requests=2000)
    one_function = {
        name: getattr(evidence.tables, name).assign(function=lambda table: table["file"].map(lambda _: "trip"))
        for name in ("calls", "faults")
    }
    found = find_all(replace(evidence, tables=replace(evidence.tables, **one_function)))
    timeouts = {one.id: one.site.line for one in found if one.finder == "missing_timeout" and one.site}
    assert timeouts == {
        "missing_timeout:planner/fares.py:trip": 10,
        "missing_timeout:planner/fares.py:trip#2": 18,
    }
    assert len({one.id for one in found}) == len(found)
