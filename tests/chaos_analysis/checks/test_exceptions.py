"""Whether tasks of the users break off by themselves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chaos_analysis.checks import exceptions
from tests.chaos_analysis.conftest import read_evidence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chaos_analysis.model import Check


@pytest.fixture
def check(make_run: Callable[..., Any]) -> Callable[..., Check]:
    """What the check says of a run in whose iterations of these kinds a task raised, each kind twice.

    A kind is a stage, and whether a fault was met in the iteration; what follows it replaces parts of the record.
    """

    def run(*kinds: tuple[str, bool, dict[str, Any]], baseline: bool = True) -> Check:
        folder: Path = make_run(requests=600)[0]
        if not baseline:
            for part in (folder / "requests").glob("[0-9].jsonl"):
                part.write_text("".join(line for line in part.open() if '"baseline"' not in line))
        evidence = read_evidence(folder)
        rows = evidence.rows.assign(iteration=evidence.rows["key"].str.rpartition(".")[0])
        iterations = rows.groupby("iteration").agg(
            stage=("stage", "first"), stages=("stage", "nunique"), well=("ok", "all"), calm=("control", "all")
        )
        iterations = iterations[iterations["stages"] == 1]
        lines = []
        for stage, calm, parts in kinds:
            well = iterations["well"] & iterations["calm"]
            chosen = iterations[(iterations["stage"] == stage) & (well == calm)].index[:2]
            assert len(chosen) == 2
            known = {"stage": stage, "at": 1.0, "class": "KeyError", "text": "'id'", "file": "lf.py", "line": 8}
            lines += [json.dumps({"iteration": iteration, **known, **parts}) + "\n" for iteration in chosen]
        (folder / "requests/exceptions-0.jsonl").write_text("".join(lines))
        return exceptions.check(read_evidence(folder))

    return run


def test_a_run_without_any_passes(check: Callable[..., Check]) -> None:
    """As the most do."""
    assert check().ok


def test_what_the_baseline_raises_is_a_bug_of_the_locustfile(check: Callable[..., Check]) -> None:
    """Counted in all stages, with the first one's text and line; the run stays valid."""
    later = {"at": 0.5, "class": "TypeError", "line": 9}
    found = check(("baseline", True, {}), ("chaos", False, {"at": 2.0}), ("chaos", False, later))
    assert (found.ok, found.fatal) == (False, False)
    assert found.summary == (
        "4 exceptions in users' tasks, of which the first: KeyError: 'id' at lf.py:8; "
        "what these tasks still had to send was not sent"
    )
    assert found.details == ("4 of KeyError: 'id' at lf.py:8", "2 of TypeError: 'id' at lf.py:9")


def test_a_run_that_met_no_fault_can_have_some_as_well(make_run: Callable[..., Any]) -> None:
    """Such as one whose every task broke off before a call that a rule is about."""
    folder: Path = make_run(requests=600, rules=[])[0]
    told = {"stage": "baseline", "at": 1.0, "class": "KeyError", "text": "'id'", "file": "lf.py", "line": 8}
    (folder / "requests/exceptions-0.jsonl").write_text(json.dumps({"iteration": "0.0", **told}) + "\n")
    assert exceptions.check(read_evidence(folder)).ok is False


def test_what_only_faults_bring_about_is_no_bug(check: Callable[..., Check]) -> None:
    """A user that lets a failed answer's exception through, or trips over what a fault left behind, is told only."""
    found = check(("chaos", False, {}), ("chaos", True, {"line": 9}))
    assert found.ok
    assert found.summary == "4 exceptions in users' tasks, none before any fault and after requests that went well"


def test_without_a_baseline_iterations_that_met_no_fault_tell(check: Callable[..., Check]) -> None:
    """There is nothing else to go by."""
    found = check(("chaos", True, {}), ("chaos", False, {"line": 9}), baseline=False)
    assert found.ok is False
    assert found.summary.startswith("2 exceptions in users' tasks, of which the first: KeyError: 'id' at lf.py:8")
