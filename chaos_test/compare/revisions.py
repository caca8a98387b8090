"""`chaos-test compare --ref A --ref B`: two git revisions of an app, sent the same requests and faults in turn.

Each revision is exported to a temporary folder; no worktree, no branch, and the working tree is left alone. The app's
own tests are asked of both. The first revision is sent everything twice: where it differs from itself, what is measured
is noise and there is no verdict, and patterns that only one of the two shows come and go by themselves.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from chaos_analysis.compare import compare_arms, steady
from chaos_analysis.effect import apart
from chaos_test import runner
from chaos_test.analysis import analyse
from chaos_test.compare import own_tests
from chaos_test.compare.exports import commit_of, export
from chaos_test.errors import ChaosTestError
from chaos_test.fix.verification import script_of
from chaos_test.plan import free_port
from chaos_test.replay import alike
from chaos_test.replay.arm import Arm
from chaos_test.replay.conduct import conduct
from chaos_test.replay.copies import tree_of
from chaos_test.replay.recall import plan_of
from chaos_test.scratch import scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from rich.console import Console

    from chaos_analysis.compare import Comparison
    from chaos_test.compare.exports import Exported
    from chaos_test.interrupt import Interrupt
    from chaos_test.plan import Plan
    from chaos_test.replay.script import Script

BEFORE, AGAIN, AFTER = "before", "before-again", "after"


def compare_revisions(
    plan: Plan,
    refs: tuple[str, str],
    recorded: Path | None,
    out: Path,
    *,
    console: Console,
    interrupt: Interrupt,
) -> Comparison:
    """Compare them; `plan` is of the app in its working tree, `recorded` the run whose requests are sent again.

    Without it the first revision is run by the plan. Run folders are made below `out`. Raises `ChaosTestError`.
    """
    assert plan.target.dir is not None
    if any((out / name).exists() for name in (BEFORE, AGAIN, AFTER)):
        raise ChaosTestError(f"--out {out}: there are runs of an earlier comparison in it; name another")
    tree = tree_of(plan.target.dir)
    commits = [commit_of(tree, ref) for ref in refs]
    said = partial(console.print, style="dim", markup=False)
    with scratch() as folder:
        sides = [
            export(plan, tree, ref, commit, folder / f"{at}")
            for at, (ref, commit) in enumerate(zip(refs, commits, strict=True))
        ]
        said("asking the app's own tests of both revisions")
        tests = own_tests.ask(sides, lambda: interrupt.asked)
        if interrupt.asked:
            raise KeyboardInterrupt
        run_dir = recorded or _record(sides[0].plan, out, console, interrupt)
        sent = script_of(run_dir)
        recalled = plan_of(run_dir)
        first, second = (replace(recalled, target=side.plan.target) for side in sides)
        arms = {BEFORE: first, AGAIN: first, AFTER: second}
        replay(arms, sent, out, interrupt, said)
    said("analysing and comparing")
    invalid = tuple(_analysed(out))
    found = own_tests.judged(_compared(sides, sent, out), tests)
    return replace(found, notes=(*found.notes, *invalid))


def _compared(sides: list[Exported], sent: Script, out: Path) -> Comparison:
    blocks = sent.block_of()
    itself = compare_arms(out / BEFORE, out / AGAIN, blocks)
    found = compare_arms(out / BEFORE, out / AFTER, blocks)
    found = steady(found, itself)
    names = [replace(side, runs=(each.ref,), revisions=(each.commit,)) for side, each in
             zip((found.base, found.other), sides, strict=True)]  # fmt: skip
    found = replace(found, base=names[0], other=names[1])
    if itself.verdict in {"improved", "worse", "not comparable"}:
        reason = f"{sides[0].ref} differs from itself, so this is noise: {itself.verdict}, {itself.reason}"
        if where := apart(out / BEFORE, out / AGAIN, blocks):
            reason += f"; it differs on {alike.told(where)}"
        return replace(found, verdict="not comparable", reason=reason)
    note = f"{sides[0].ref} was sent all of it a second time and does not differ from itself: {itself.reason}."
    return replace(found, notes=(*found.notes, note))


def _analysed(out: Path) -> Iterator[str]:
    """Analyse each arm, for its patterns and its report; yields what makes one invalid."""
    for name in (BEFORE, AGAIN, AFTER):
        analysis = analyse(out / name)
        if analysis.verdict == "invalid":
            yield f"{name}: {analysis.headline}"


def _record(plan: Plan, out: Path, console: Console, interrupt: Interrupt) -> Path:
    """A run of the first revision, whose requests and faults are then sent to both."""
    console.print("Recording what is sent to both …", style="dim")
    run_dir, over = runner.execute(replace(plan, out=out), console, sys.argv, interrupt)
    if over.ended_by == "interrupted":
        raise KeyboardInterrupt
    if over.ended_by == "crashed":
        raise ChaosTestError(f"the first revision could not be run: {over.reason}")
    return run_dir


def replay(
    plans: Mapping[str, Plan], sent: Script, out: Path, interrupt: Interrupt, said: Callable[[str], None]
) -> None:
    """Send a script to arms by their names, in turn; each leaves a run folder in `out`. Raises `ChaosTestError`."""
    out.mkdir(parents=True, exist_ok=True)
    file = sent.write(out / "script.json")
    stages = sent.stages()
    arms = [Arm(name, _of_arm(plan, file, out / name), out / name, sys.argv, stages) for name, plan in plans.items()]
    seed = arms[0].plan.experiment.value.seed
    after = alike.between(out / BEFORE, out / AGAIN) if AGAIN in plans else None
    lost = conduct(arms, blocks=sent.blocks, seed=seed, interrupt=interrupt, said=said, after=after)
    if lost:
        raise ChaosTestError(next(iter(lost.values())))


def _of_arm(plan: Plan, script: Path, run_dir: Path) -> Plan:
    return replace(plan, port=free_port(None, "--port"), out=run_dir.parent, script=(script, run_dir / "turns"))
