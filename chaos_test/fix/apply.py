"""`chaos-test fix apply`: change the working tree as proposals say, or take that back."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from chaos_test import options, patches, rundir
from chaos_test.errors import ChaosTestError
from chaos_test.fix import proposals

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

HELP = "change the working tree as proposals say"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which ones."""
    parser.add_argument("numbers", nargs="+", type=options.positive, metavar="N", help="a proposal's number")
    parser.add_argument("--undo", action="store_true", help="take them back instead")


def command(args: argparse.Namespace) -> int:
    """All of them or none."""
    run_dir = rundir.asked(args.run)
    chosen = [proposals.with_diff(one) for one in proposals.chosen(run_dir, args.numbers)]
    root = _root(run_dir)
    changes = [change for one in chosen for change in patches.parse(one.diff)]
    if args.undo:
        changes = [change.reversed() for change in reversed(changes)]
    else:
        _refuse_dirty(root, (change.path for change in changes))
    texts = patches.apply(changes, root)
    patches.write(texts, root)
    console = Console(highlight=False, markup=False)
    for path in texts:
        console.print(f"{'restored' if args.undo else 'changed'} {rundir.shown(root / path)}")
    if not args.undo:
        numbers = " ".join(str(one.number) for one in chosen)
        console.print(f"Undo: chaos-test fix apply --undo {numbers} --run {rundir.shown(run_dir)}", style="dim")
        for one in chosen:
            if not one.automatic:
                console.print(f"{one.number}: decide what its line with '# chaos-test: decide' asks", style="yellow")
    return 0


def _root(run_dir: Path) -> Path:
    """The top of the tree that the diffs' paths start from."""
    try:
        app = json.loads((run_dir / "run.json").read_bytes())["app"]
        folder, prefix = Path(app["dir"]), Path(app.get("git_prefix") or "")
    except (OSError, ValueError, TypeError, KeyError):
        raise ChaosTestError(f"{run_dir}/run.json: it does not say where the app's sources are") from None
    return folder.resolve().parents[len(prefix.parts) - 1] if prefix.parts else folder.resolve()


def _refuse_dirty(root: Path, paths: Iterable[str]) -> None:
    """Raise where git knows changes of these files that are not committed: they could not be told apart afterwards."""
    command = ["git", "-C", str(root), "status", "--porcelain", "--", *dict.fromkeys(paths)]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=30, check=True)  # noqa: S603 - the git on the PATH
    except (OSError, subprocess.SubprocessError):
        return  # no git, or no repository
    if dirty := [line[3:] for line in answer.stdout.decode("utf-8", "replace").splitlines()]:
        raise ChaosTestError(f"{', '.join(dirty)}: changed and not committed; commit or put it aside first")
