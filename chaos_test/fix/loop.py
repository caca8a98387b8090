"""`chaos-test fix loop`: the best patch, then the best on top of it, until nothing improves any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from chaos_test import options, rundir
from chaos_test.interrupt import Interrupt

if TYPE_CHECKING:
    import argparse

HELP = "take the best patch, measure the others on top of it, and so on, on copies of the app"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """When to stop."""
    parser.add_argument(
        "--steps", type=options.positive, default=5, metavar="N", help="at most this many patches (default 5)"
    )
    parser.add_argument(
        "--budget", type=options.seconds, default=900.0, metavar="T", help="begin no step after this long (default 15m)"
    )
    parser.add_argument(
        "--requests", type=options.positive, metavar="N", default=None, help="at most this many for each arm"
    )


def command(args: argparse.Namespace) -> int:
    """Go on until nothing improves, write the steps into the run folder and the patch of all of them."""
    from chaos_test.fix import looping  # noqa: PLC0415 - pandas comes with it

    run_dir = rundir.asked(args.run).resolve()
    console = Console(highlight=False)
    with Interrupt() as interrupt:
        story = looping.loop(
            run_dir,
            steps=args.steps,
            budget=args.budget,
            most=args.requests,
            interrupt=interrupt,
            said=lambda text: console.print(text, style="dim", markup=False),
        )
    looping.show(console, story, run_dir)
    return 3 if story.void else 0
