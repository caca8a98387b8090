"""Steps of measurements, each on top of the best patches so far."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.markup import escape

from chaos_analysis import wording
from chaos_analysis.artefacts import write_text
from chaos_analysis.effect import stored
from chaos_test import rundir
from chaos_test.analysis import analyse
from chaos_test.errors import ChaosTestError
from chaos_test.fix import proposals
from chaos_test.fix.proposals import MOST_ARMS
from chaos_test.fix.verification import REPEATING, combined, script_of
from chaos_test.fix.words import STYLES
from chaos_test.replay.measure import Change, measured, outage_of
from chaos_test.replay.recall import plan_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.console import Console

    from chaos_test.fix.proposals import Proposed
    from chaos_test.interrupt import Interrupt

_PATCH = "verify/loop.patch"


def loop(
    run_dir: Path,
    *,
    steps: int,
    budget: float,
    most: int | None,
    interrupt: Interrupt,
    said: Callable[[str], None],
) -> stored.Stored:
    """Go on until nothing improves, `steps` are made or `budget` seconds are over; raises `ChaosTestError`."""
    plan, sent = plan_of(run_dir), script_of(run_dir, most=most)
    left = _patches(run_dir, said)
    taken: list[Proposed] = []
    told: list[stored.Step] = []
    void, ended = "", f"{steps} steps were asked for"
    started, out = time.monotonic(), run_dir / "verify" / "loop"
    shutil.rmtree(out, ignore_errors=True)
    while len(told) < steps:
        if time.monotonic() - started > budget:
            ended = f"the {wording.seconds(budget)} are over"
            break
        base = combined(taken, run_dir).diff
        changes = [_on_top(one, taken, run_dir, base) for one in left]
        wanted = [change for change in changes if change is not None]
        if not wanted:
            ended = "no patch is left"
            break
        said(f"step {len(told) + 1}: {len(wanted)} patches on top of {len(taken)}")
        result = measured(
            plan, wanted, sent, out / f"step-{len(told) + 1}", interrupt=interrupt, said=said,
            outage=outage_of(run_dir), base=base,
        )  # fmt: skip
        if result.void:
            void, ended = result.void, "the measurement is void"
            break
        if not taken:  # what each does alone is measured already
            known = {stored.digest(one.diff): result.effects[one.name] for one in left if one.name in result.effects}
            stored.write(replace(stored.read(run_dir), effects=known, void=""), run_dir)
        for one in left:
            if one.name in result.effects:
                effect = result.effects[one.name]
                said(f"  {one.number}. {one.short}: {effect.verdict}, {effect.reason}")
        better = {name: effect for name, effect in result.effects.items() if effect.verdict == "improved"}
        if not better:
            ended = "no other patch improves what there is"
            break
        best = max(better, key=lambda name: better[name].saved or 0.0)
        chosen = next(one for one in left if one.name == best)
        told.append(stored.Step(chosen.number, chosen.title, better[best]))
        said(f"step {len(told)}: {chosen.number}. {chosen.title}: {better[best].reason}")
        taken.append(chosen)
        left.remove(chosen)
        _keep(told, taken, "it was stopped", run_dir)  # steps that were made are not lost with those that follow
    story = _keep(told, taken, ended, run_dir, void)
    analyse(run_dir)
    return story


def _patches(run_dir: Path, said: Callable[[str], None]) -> list[Proposed]:
    """The best with a patch that needs nobody; says so where there are more. Raises `ChaosTestError` without any."""
    found = [one for one in proposals.read(run_dir) if one.automatic and one.spot]
    if not found:
        raise ChaosTestError(f"{run_dir}: none of its proposals has a patch that needs nobody, so there is no step")
    if len(found) > MOST_ARMS:
        said(f"of {len(found)} patches, the best {MOST_ARMS} are measured; chaos-test fix verify N measures any other")
    return found[:MOST_ARMS]


def _keep(told: list[stored.Step], taken: list[Proposed], ended: str, run_dir: Path, void: str = "") -> stored.Stored:
    """Write the steps so far, and the patch of all of them if there are any."""
    story = replace(stored.read(run_dir), effects={}, void=void, steps=tuple(told), ended=ended)
    stored.write(story, run_dir)
    (run_dir / _PATCH).unlink(missing_ok=True)
    if taken:
        write_text(run_dir / _PATCH, combined(taken, run_dir).diff)
    return story


def show(console: Console, story: stored.Stored, run_dir: Path) -> None:
    """A line a step, and why there is no further one."""
    console.print()
    for number, step in enumerate(story.steps, start=1):
        first = step.effect.measured[0]
        rates = " → ".join(wording.estimate(each, interval=False) for each in (first.before, first.after))
        said = f"{step.number}. {escape(step.title)}"
        console.print(f"step {number}  [{STYLES['improved']}]{rates} failures[/]  {said}")
    console.print(f"Ended: {story.ended}.", markup=False)
    if story.void:
        console.print(f"void: {story.void}", style="bold red", markup=False)
    if story.steps:
        console.print(f"All steps as one patch: {rundir.shown(run_dir / _PATCH)}", style="bold", markup=False)


def _on_top(one: Proposed, taken: list[Proposed], run_dir: Path, base: str) -> Change | None:
    """The change with one more; None where that brings nothing new, or takes one of those before it away."""
    merged = combined([*taken, one], run_dir)
    if merged.left_out or merged.diff == base:
        return None
    return Change(one.name, merged.diff, repeats=one.fix in REPEATING)
