"""`chaos-test compare --ref A --ref B`: two git revisions of an app, sent the same requests and faults in turn.

Each revision is exported to a temporary folder; no worktree, no branch, and the working tree is left alone. The first
one runs twice: where it differs from itself, what is measured is noise and there is no verdict.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_analysis.compare import compare_arms
from chaos_test import runner
from chaos_test.errors import ChaosTestError
from chaos_test.fix.verification import script_of
from chaos_test.plan import free_port
from chaos_test.replay.arm import Arm
from chaos_test.replay.conduct import conduct
from chaos_test.replay.copies import tree_of
from chaos_test.replay.interpreter import comes_from_copy, import_paths
from chaos_test.replay.recall import plan_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from chaos_analysis.compare import Comparison
    from chaos_test.interrupt import Interrupt
    from chaos_test.plan import Plan
    from chaos_test.replay.copies import Tree
    from chaos_test.replay.script import Script

BEFORE, AGAIN, AFTER = "before", "before-again", "after"
_GIT_SECONDS = 120.0


@dataclass(frozen=True)
class Exported:
    """A revision as asked for, its commit, and the plan that starts it from its folder."""

    ref: str
    commit: str
    plan: Plan


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
    tree = tree_of(plan.target.dir)
    commits = [_commit(tree, ref) for ref in refs]
    with tempfile.TemporaryDirectory(prefix="chaos-test-revisions-") as scratch:
        sides = [
            _export(plan, tree, ref, commit, Path(scratch, f"{at}"))
            for at, (ref, commit) in enumerate(zip(refs, commits, strict=True))
        ]
        run_dir = recorded or _record(sides[0].plan, out, console, interrupt)
        sent = script_of(run_dir)
        recalled = plan_of(run_dir)
        plans = [replace(recalled, target=side.plan.target) for side in sides]
        _replay(plans, sent, out, interrupt, lambda text: console.print(text, style="dim"))
    return _compared(sides, sent, out)


def _compared(sides: list[Exported], sent: Script, out: Path) -> Comparison:
    blocks = sent.block_of()
    itself = compare_arms(out / BEFORE, out / AGAIN, blocks)
    found = compare_arms(out / BEFORE, out / AFTER, blocks)
    names = [replace(side, runs=(each.ref,), revisions=(each.commit,)) for side, each in
             zip((found.base, found.other), sides, strict=True)]  # fmt: skip
    found = replace(found, base=names[0], other=names[1])
    if itself.verdict in {"improved", "worse", "not comparable"}:
        reason = f"{sides[0].ref} differs from itself, so this is noise: {itself.verdict}, {itself.reason}"
        return replace(found, verdict="not comparable", reason=reason)
    note = f"{sides[0].ref} was sent all of it a second time and does not differ from itself: {itself.reason}."
    return replace(found, notes=(*found.notes, note))


def _record(plan: Plan, out: Path, console: Console, interrupt: Interrupt) -> Path:
    """A run of the first revision, whose requests and faults are then sent to both."""
    console.print("Recording what is sent to both …", style="dim")
    run_dir, over = runner.execute(replace(plan, out=out), console, sys.argv, interrupt)
    if over.ended_by == "interrupted":
        raise KeyboardInterrupt
    if over.ended_by == "crashed":
        raise ChaosTestError(f"the first revision could not be run: {over.reason}")
    return run_dir


def _replay(plans: list[Plan], sent: Script, out: Path, interrupt: Interrupt, said: Callable[[str], None]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    file = sent.write(out / "script.json")
    first, second = plans
    arms = [
        Arm(
            name,
            replace(plan, port=free_port(None, "--port"), out=out, script=(file, out / name / "turns")),
            out / name,
            sys.argv,
        )
        for name, plan in ((BEFORE, first), (AGAIN, first), (AFTER, second))
    ]
    lost = conduct(arms, blocks=sent.blocks, seed=first.experiment.value.seed, interrupt=interrupt, said=said)
    if lost:
        raise ChaosTestError(next(iter(lost.values())))


def _export(plan: Plan, tree: Tree, ref: str, commit: str, to: Path) -> Exported:
    """The revision in a folder of its own, and the plan for it."""
    packed = _git(tree.root, "archive", "--format=tar", commit)
    to.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(to, filter="data")
    app = to / tree.prefix
    if not app.is_dir():
        raise ChaosTestError(f"--ref {ref}: there is no folder {tree.prefix} in it")
    paths = import_paths(plan.target, tree, to)
    if why := comes_from_copy(plan.target, app, paths, to):
        raise ChaosTestError(f"--ref {ref}: what would be run is not that revision: {why}")
    return Exported(ref, commit, replace(plan, target=replace(plan.target, dir=app, paths=paths)))


def _commit(tree: Tree, ref: str) -> str:
    try:
        return (
            _git(tree.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
            .decode()
            .strip()
        )
    except ChaosTestError:
        raise ChaosTestError(f"--ref {ref}: {tree.root} has no such git revision") from None


def _git(folder: Path, *words: str) -> bytes:
    command = ["git", "-C", str(folder), *words]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=_GIT_SECONDS, check=True)  # noqa: S603 - the git on the PATH
    except (OSError, subprocess.SubprocessError) as error:
        raise ChaosTestError(f"{folder}: git {words[0]} failed: {error}") from None
    return answer.stdout
