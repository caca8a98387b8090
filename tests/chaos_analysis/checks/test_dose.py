"""The dose: the set that fired is the set that the seed declares, or the run is invalid."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from chaos_analysis import analyse
from chaos_analysis.checks import dose
from tests.chaos_analysis.conftest import read_evidence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chaos_analysis.world import Truth

    MakeRun = Callable[..., tuple[Path, Truth]]


def _edit(folder: Path, change: Callable[[dict], dict | None]) -> None:
    """Change or drop each record of the ledger."""
    for part in (folder / "faults").glob("*.jsonl"):
        records = (change(json.loads(line)) for line in part.read_text().splitlines())
        part.write_text("".join(json.dumps(record) + "\n" for record in records if record))


def test_a_faithful_run_has_exactly_its_dose(make_run: MakeRun) -> None:
    """What the app reached, drawn again, gives the recorded set."""
    folder, truth = make_run(requests=800)
    evidence = read_evidence(folder)
    assert evidence.experiment is not None
    assert dose.expected(evidence, evidence.experiment) == truth.events
    assert dose.check(evidence).ok is True


@pytest.mark.parametrize(("stages", "ok"), [(["baseline", "chaos"], False), (["baseline"], True)])
def test_a_run_that_ended_before_its_faults_is_invalid(make_run: MakeRun, stages: list[str], ok: bool) -> None:
    """It was to inject and did not; one that planned no faults is what it says."""
    folder, _ = make_run(requests=200, stages=(("baseline", 1.0),))
    config = json.loads((folder / "chaos-config.json").read_text())
    config["stages"] = [{"name": name, "share": 1 / len(stages)} for name in stages]
    (folder / "chaos-config.json").write_text(json.dumps(config))
    check = dose.check(read_evidence(folder))
    assert (check.ok, check.fatal) == (ok, True)
    assert ok or check.summary.startswith("nothing was injected: no request was sent in chaos")


def test_a_fault_that_did_not_fire_makes_the_run_invalid(make_run: MakeRun) -> None:
    """One missing event of an answered request is enough, and is named."""
    folder, truth = make_run(requests=400)
    lost = min(event for event in truth.events if "edge-latency" in event)
    _edit(folder, lambda record: None if record.get("id") == lost else record)
    check = dose.check(read_evidence(folder))
    assert (check.ok, check.fatal) == (False, True)
    assert f"missing: {lost}" in check.details


def test_a_fault_that_was_not_due_makes_the_run_invalid(make_run: MakeRun) -> None:
    """An injector that fires more than the seed declares is found out."""
    folder, truth = make_run(requests=400)
    spared = next(key for key, rules in truth.rules.items() if not rules)
    extra = {"kind": "fault", "id": f"{spared}:edge-latency", "key": spared, "rule": "edge-latency", "started": 1.0}
    with (folder / "faults/100-1760000000.jsonl").open("a") as file:
        file.write(json.dumps(extra) + "\n")
    check = dose.check(read_evidence(folder))
    assert check.ok is False
    assert f"not due: {spared}:edge-latency" in check.details


def test_what_was_held_back_counts_as_accounted_for(make_run: MakeRun) -> None:
    """A fault that the budget held back leaves its trace, so the dose is right, and the reason is told."""
    folder, _ = make_run(requests=400)
    _edit(
        folder,
        lambda r: {**r, "kind": "suppressed", "reason": "budget"} if r.get("rule") == "edge-latency" else r,
    )
    check = dose.check(read_evidence(folder))
    assert check.ok is True
    assert any(detail.startswith("held back by budget: ") for detail in check.details)


@pytest.mark.parametrize("reason", ["gate", "preempted", "unreached"])
def test_a_fault_that_was_dropped_for_a_reason_that_is_not_true_is_found(make_run: MakeRun, reason: str) -> None:
    """No rule has a gate or comes after the call, and most requests met no other fault that could have come first."""
    folder, _ = make_run(requests=400)
    _edit(
        folder,
        lambda r: {**r, "kind": "suppressed", "reason": reason} if r.get("rule") == "edge-latency" else r,
    )
    check = dose.check(read_evidence(folder))
    assert check.ok is False
    assert "dropped without reason" in check.summary


def test_an_injector_that_does_nothing_makes_the_run_invalid(make_run: MakeRun) -> None:
    """Requests in a stage with rates and not one fault: not a good result but no experiment."""
    folder, _ = make_run(requests=400, wrapped=False)
    check = dose.check(read_evidence(folder))
    assert (check.ok, check.fatal) == (False, True)
    assert "nothing was injected" in check.summary


def test_a_request_cut_off_by_a_kill_is_unknown_and_no_lie(make_run: MakeRun) -> None:
    """Drawn, then killed before the record: without an answer at the client this is no broken dose."""
    folder, truth = make_run(requests=400)
    lost = min(truth.events)
    key = lost.partition(":")[0]
    _edit(folder, lambda record: None if record.get("key") == key or record.get("id") == lost else record)
    for part in (folder / "requests").glob("[0-9]*.jsonl"):
        lines = [line for line in part.read_text().splitlines() if not line.startswith(f'["{key}"')]
        part.write_text("\n".join(lines) + "\n")
    check = dose.check(read_evidence(folder))
    assert check.ok is True
    assert "unknown, their requests were cut off" in check.summary


def test_without_the_experiment_the_dose_is_not_known(make_run: MakeRun) -> None:
    """No experiment, no verdict about the dose."""
    folder, _ = make_run(requests=200)
    (folder / "chaos-config.json").unlink()
    assert dose.check(read_evidence(folder)).ok is None


@pytest.mark.parametrize("occurrence", [0, 2])
def test_persistence_request_draws_once_for_all_repetitions(make_run: MakeRun, occurrence: int) -> None:
    """What failed once keeps failing: the repetition of a faulted call is due, too, under its own id."""
    folder, truth = make_run(requests=400)
    event = min(each for each in truth.events if "fares-down" in each)
    key = event.partition(":")[0]
    part = next(p for p in (folder / "faults").glob("*.reached") if f"\n{key}\t" in p.read_text())
    line = next(line for line in part.read_text().splitlines() if line.startswith(f"{key}\t") and "fares" in line)
    with part.open("a") as file:
        file.write(line.removesuffix("\t0") + f"\t{occurrence}\n")
    evidence = read_evidence(folder)
    assert evidence.experiment is not None
    due = dose.expected(evidence, evidence.experiment)
    assert event.removesuffix(".0") + f".{occurrence}" in due


def test_an_experiment_without_rules_injected_nothing(make_run: MakeRun) -> None:
    """Nor was it asked to: such a run shows the app at peace. The advice says it, rather than blame the stages."""
    analysis = analyse(make_run(requests=300, rules=())[0], write=False)
    assert analysis.exit_code == 0
    assert analysis.advice[0].startswith("The experiment has no rules")
