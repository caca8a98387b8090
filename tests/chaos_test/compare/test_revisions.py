"""Two revisions, their exports and tests for real; what runs of the arms is made up."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from chaos_test.compare import revisions
from chaos_test.interrupt import Interrupt
from chaos_test.replay.script import Script
from tests.chaos_analysis.run_folder import write_run
from tests.chaos_analysis.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from chaos_analysis.compare import Comparison
    from chaos_test.plan import Plan

PATTERN = {"title": "GET /items answers 500", "severity": "high", "failures": 3, "site": None}


@pytest.fixture
def compared(
    planned: Callable[..., Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Comparison]:
    """Compares revisions by their lamps; `shows` are ids of patterns by arm, `invalid` an arm that is; `stuck` the
    share of one endpoint's requests that fail when the first revision is sent all again.
    """

    def make(*lamps: int, shows: Mapping[str, Sequence[str]], invalid: str = "", stuck: float = 0.0) -> Comparison:
        def analyse(run_dir: Path) -> Any:
            listed = [PATTERN | {"id": id_, "title": id_} for id_ in shows[run_dir.name]]
            (run_dir / "failure-patterns.json").write_text(json.dumps({"patterns": listed}))
            return SimpleNamespace(verdict="invalid" if run_dir.name == invalid else "no SLO", headline="Said so.")

        made, recorded = planned(*lamps), tmp_path / "recorded"
        write_run(recorded, World(requests=400))
        monkeypatch.setattr(revisions, "analyse", analyse)
        monkeypatch.setattr(revisions, "plan_of", lambda _: made)
        worlds = {"before-again": World(requests=400, own_bug=stuck)}
        monkeypatch.setattr(
            revisions,
            "replay",
            lambda arms, _, out, *__: [write_run(out / arm, worlds.get(arm, World(requests=400))) for arm in arms],
        )
        with Interrupt() as interrupt:
            return revisions.compare_revisions(
                made,
                ("HEAD~1", "HEAD"),
                recorded,
                tmp_path / "there",
                console=Console(file=io.StringIO()),
                interrupt=interrupt,
            )

    return make


def test_patterns_that_the_same_code_does_not_agree_on_are_left_out(compared: Callable[..., Comparison]) -> None:
    """`before` was sent everything twice; what only one of both arms shows is no change of the other revision."""
    shows = {"before": ["gone", "shaky"], "before-again": ["gone"], "after": ["new"]}
    found = compared(2, 2, shows=shows)
    assert {each.id: each.state for each in found.patterns} == {"new": "appeared", "gone": "disappeared"}
    assert any(note.endswith("is left out: shaky.") for note in found.notes)
    assert (found.base.runs, found.other.runs) == (("HEAD~1",), ("HEAD",))


def test_tests_that_break_make_a_revision_worse(compared: Callable[..., Comparison]) -> None:
    """Nothing that was measured differs."""
    nothing: dict[str, list[str]] = {"before": [], "before-again": [], "after": []}
    found = compared(2, 3, shows=nothing)
    assert (found.verdict, found.gates[0].ok) == ("worse", False)
    assert found.reason.startswith("the app's tests: they pass before and fail after")


def test_an_arm_that_is_invalid_is_said(compared: Callable[..., Comparison]) -> None:
    """With why; its patterns may be wrong."""
    nothing: dict[str, list[str]] = {"before": [], "before-again": [], "after": []}
    assert compared(2, 2, shows=nothing, invalid="after").notes[-1] == "after: Said so."


def test_where_a_revision_differs_from_itself_is_said(compared: Callable[..., Comparison]) -> None:
    """By endpoint: only one of them got stuck, and the same is sent to all."""
    nothing: dict[str, list[str]] = {"before": [], "before-again": [], "after": []}
    found = compared(2, 2, shows=nothing, stuck=0.5)
    assert found.verdict == "not comparable"
    assert found.reason.startswith("HEAD~1 differs from itself, so this is noise: worse, ")
    where = found.reason.partition("it differs on ")[2]
    assert where.startswith("GET /api/bookings (0 rescued, ")
    assert where.count("newly broken") == 1


def test_every_arm_knows_the_stage_of_each_block(
    planned: Callable[..., Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy between the app and what it calls sees no request's stage, and would let all of it pass as baseline."""
    known: dict[str, Sequence[str]] = {}

    class Arm(revisions.Arm):
        def __init__(self, name: str, of: Plan, run_dir: Path, argv: list[str], stages: Sequence[str] = ()) -> None:
            super().__init__(name, of, run_dir, argv, stages)
            known[name] = stages

    monkeypatch.setattr(revisions, "Arm", Arm)
    monkeypatch.setattr(revisions, "conduct", lambda *_, **__: {})
    made = planned(2)
    sent = Script({"0": ((0, "baseline", 0), (3, "chaos", 1), (9, "chaos", 2))}, 3, 3)
    with Interrupt() as interrupt:
        revisions.replay({"before": made, "after": made}, sent, tmp_path / "out", interrupt, print)
    assert known == dict.fromkeys(("before", "after"), ("baseline", "chaos", "chaos"))
