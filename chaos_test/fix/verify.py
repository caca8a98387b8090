"""`chaos-test fix verify`: measure what patches do, on copies of the app, with the same requests and faults."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from chaos_test import options, rundir
from chaos_test.errors import ChaosTestError
from chaos_test.fix import proposals
from chaos_test.fix.proposals import MOST_ARMS
from chaos_test.interrupt import Interrupt

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from chaos_test.fix.proposals import Proposed

HELP = "measure what patches do, on copies of the app, with the same requests and faults"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which patches, and how thoroughly."""
    parser.add_argument("numbers", nargs="*", type=options.positive, metavar="N", help="a proposal's number")
    parser.add_argument("--all", action="store_true", help=f"the best {MOST_ARMS} proposals with a patch (the default)")
    parser.add_argument("--together", action="store_true", help="all of them at once, as well")
    parser.add_argument("--patch", action="append", default=[], metavar="F", help="a patch of your own, a unified diff")
    parser.add_argument("--whole", action="store_true", help="send every iteration again, not only those with faults")
    parser.add_argument(
        "--requests", type=options.positive, metavar="N", default=None, help="at most this many for each arm"
    )


def command(args: argparse.Namespace) -> int:
    """Measure, write it into the run folder, make its report anew; returns the exit code."""
    from chaos_test.fix import verification  # noqa: PLC0415 - pandas comes with it

    run_dir = rundir.asked(args.run).resolve()
    chosen = _chosen(args, run_dir)
    own = _own(args.patch)
    console = Console(highlight=False)
    started = time.monotonic()
    with Interrupt() as interrupt:
        outcome = verification.verify(
            run_dir,
            chosen,
            own,
            together=args.together,
            whole=args.whole,
            most=args.requests,
            interrupt=interrupt,
            said=lambda text: console.print(text, style="dim", markup=False),
        )
    verification.show(console, outcome, run_dir, time.monotonic() - started)
    if outcome.void:
        return 3
    return int(
        any(each.effect.verdict == "worse" for each in outcome.told if each.number in args.numbers or not each.number)
    )


def _chosen(args: argparse.Namespace, run_dir: Path) -> tuple[Proposed, ...]:
    if args.numbers and args.all:
        raise ChaosTestError("give numbers or --all, not both")
    if args.numbers:
        return tuple(map(proposals.with_diff, proposals.chosen(run_dir, args.numbers)))
    if args.patch and not args.all:
        return ()
    every = tuple(one for one in proposals.read(run_dir) if one.diff)
    if not every:
        raise ChaosTestError(f"{run_dir}: none of its proposals has a patch, so there is nothing to measure")
    return every[:MOST_ARMS]


def _own(files: Sequence[str]) -> list[tuple[str, str]]:
    """Name and diff of each; the ends of its lines are part of a diff."""
    found: dict[str, str] = {}
    for file in map(Path, files):
        if file.stem in found:
            raise ChaosTestError(
                f"--patch {file}: there is another patch called {file.stem}; each needs a name of its own"
            )
        try:
            found[file.stem] = file.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise ChaosTestError(f"--patch {file}: cannot be read: {error}") from None
    return list(found.items())
