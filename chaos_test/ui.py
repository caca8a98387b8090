"""`chaos-test ui`: the app under chaos with Locust's web UI; a test that is stopped there leaves a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_test import options
from chaos_test.run import add_load, add_outcome, add_target

if TYPE_CHECKING:
    import argparse

HELP = "the app under chaos, with the Locust web UI"
EPILOG = """Start and stop tests in the browser; each one that is stopped leaves a report. Ctrl-C ends all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `ui`."""
    add_target(parser)
    add_load(parser)
    add_outcome(parser)
    parser.add_argument(
        "--web-port", type=options.port, default=8089, metavar="N", help="port of the UI (default 8089)"
    )


def command(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C; returns the exit code."""
    raise NotImplementedError
