"""A git revision of an app in a folder of its own: no worktree, no branch, nothing to clear up but the folder."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chaos_test.errors import ChaosTestError
from chaos_test.replay.interpreter import comes_from_copy, import_paths

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_test.plan import Plan
    from chaos_test.replay.copies import Tree

_GIT_SECONDS = 120.0


@dataclass(frozen=True)
class Exported:
    """A revision as asked for, its commit, and the plan that starts it from its folder."""

    ref: str
    commit: str
    plan: Plan


def export(plan: Plan, tree: Tree, ref: str, commit: str, to: Path) -> Exported:
    """Put the revision into a folder of its own, with the plan for it; raises `ChaosTestError`."""
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


def commit_of(tree: Tree, ref: str) -> str:
    """The commit that a revision names; raises `ChaosTestError`."""
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
