"""`chaos-test fix loop`, with measurements that are made up."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from chaos_analysis.effect import Effect, judge, stored
from chaos_analysis.effect.stored import Step, Stored
from chaos_test.analysis import analyse
from chaos_test.fix import looping, proposals
from chaos_test.interrupt import Interrupt
from chaos_test.replay.measure import Change, Result
from tests.chaos_analysis.report import sample
from tests.chaos_analysis.run_folder import write_run
from tests.chaos_analysis.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GOOD, NOTHING = judge([sample.measured(81, 1)]), judge([sample.measured(0, 0)])


@dataclass
class Loop:
    """A run's loop, each of whose measurements comes to the same: `effect` for every patch, or it is `void`."""

    run_dir: Path
    effect: Effect = GOOD
    void: str = ""
    asked: list[list[str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def measured(self, plan: object, changes: Sequence[Change], *_: object, **__: object) -> Result:
        """In the place of the real one."""
        del plan
        self.asked.append([change.name for change in changes])
        return Result({change.name: self.effect for change in changes}, NOTHING, self.void)

    def run(self, steps: int = 1, budget: float = 60.0) -> Stored:
        """What it told."""
        settings: dict[str, Any] = {"interrupt": Interrupt(), "said": self.said.append, "budget": budget, "most": None}
        return looping.loop(self.run_dir, steps=steps, **settings)


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with several patches that need nobody."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    write_run(folder, World(requests=1500, sampled=1.0))
    analyse(folder)
    return folder


@pytest.fixture
def loop(analysed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loop:
    """Of a copy of that run."""
    shutil.copytree(analysed, tmp_path / "run")
    made = Loop(tmp_path / "run")
    monkeypatch.setattr(looping, "measured", made.measured)
    for name in ("plan_of", "outage_of", "analyse"):
        monkeypatch.setattr(looping, name, lambda _: None)
    return made


def test_what_is_taken_is_not_measured_again(loop: Loop) -> None:
    """Two steps, the patch of both, and why there is no third."""
    story = loop.run(steps=2)
    first, second = (f"fix-{step.number:02d}" for step in story.steps)
    assert first in loop.asked[0]
    assert first not in loop.asked[1]
    assert second in loop.asked[1]
    assert story.ended == "2 steps were asked for"
    assert "+++ b/" in (loop.run_dir / "verify" / "loop.patch").read_text()


def test_what_each_does_alone_is_kept_whatever_was_void_before(loop: Loop) -> None:
    """The first step measures them all; a measurement that was void is not the last one any more."""
    stored.write(Stored({}, void="noise"), loop.run_dir)
    loop.run()
    known = stored.read(loop.run_dir)
    assert known.void == ""
    alone = [one for one in proposals.read(loop.run_dir) if one.automatic and one.spot]
    assert set(known.effects) == {stored.digest(one.diff) for one in alone if one.name in loop.asked[0]}


@pytest.mark.parametrize(
    ("effect", "void", "ended"),
    [(NOTHING, "", "no other patch improves what there is"), (GOOD, "noise", "the measurement is void")],
)
def test_a_loop_without_a_step_has_none(loop: Loop, effect: Effect, void: str, ended: str) -> None:
    """Those of an earlier one are not told as if they were its own."""
    stored.write(Stored({}, steps=(Step(1, "Retry", GOOD),), ended="no patch is left"), loop.run_dir)
    loop.effect, loop.void = effect, void
    story = loop.run()
    assert (story.steps, story.ended, story.void) == ((), ended, void)
    assert stored.read(loop.run_dir) == replace(story, effects=stored.read(loop.run_dir).effects)


def test_a_step_that_finds_nothing_better_says_what_each_patch_came_to(
    loop: Loop, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line a patch, and no patch of no steps: one of an earlier loop would be taken for it."""
    loop.run()
    loop.effect = NOTHING
    loop.said.clear()
    story = loop.run()
    assert story.steps == ()
    told = [line for line in loop.said if f": {NOTHING.verdict}, {NOTHING.reason}" in line]
    assert len(told) == len(loop.asked[-1]) > 1
    assert not (loop.run_dir / "verify" / "loop.patch").exists()
    looping.show(Console(), story, loop.run_dir)
    assert "as one patch" not in capsys.readouterr().out


def test_of_many_patches_only_the_best_are_measured(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best are taken, in no step others, and that is said before the first one."""
    monkeypatch.setattr(looping, "MOST_ARMS", 2)
    alone = [one for one in proposals.read(loop.run_dir) if one.automatic and one.spot]
    assert len(alone) > 2
    loop.run(steps=2)
    assert {name for asked in loop.asked for name in asked} <= {one.name for one in alone[:2]}
    assert loop.said[0].startswith(f"of {len(alone)} patches, the best 2 are measured")


def test_no_step_is_begun_when_the_time_is_over(loop: Loop) -> None:
    """Nothing is measured then, and the budget is named."""
    story = loop.run(budget=-1.0)
    assert loop.asked == []
    assert story.ended.endswith("are over")
