"""`chaos-test compare`: what two sets of runs differ in, and whether that is more than noise."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from chaos_test import options
from chaos_test.compare import ways
from chaos_test.errors import ChaosTestError
from chaos_test.interrupt import Interrupt

if TYPE_CHECKING:
    import argparse

    from chaos_analysis.compare import Comparison

HELP = "say what two sets of runs differ in, and whether that is more than noise"
EPILOG = """examples:
  chaos-test compare reports/before reports/after            two run folders; of one seed, they are paired by request
  chaos-test compare --base a1 a2 a3 --other b1 b2 b3        several a side, of the same seeds or of other ones
  chaos-test compare --locust-csv old/load new/load          two prefixes of plain Locust CSVs: rates alone
  chaos-test compare --self reports/before                   would a comparison cry wolf, and what would it see?
  chaos-test compare --ref main --ref feature --app-dir .    two git revisions, sent the same requests in turn

exit codes: 0 not worse · 1 worse (--self: more than 5 % false alarms) · 2 wrong usage, or it could not
            be done · 3 not comparable, or noise · 4 stopped by you"""
DEFAULT_REQUESTS = 1000
EXIT_CODES = {"worse": 1, "not comparable": 3}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `compare`."""
    parser.add_argument("runs", nargs="*", metavar="BASE OTHER", help="two run folders, before and after")
    parser.add_argument("--base", nargs="+", default=[], metavar="RUN", help="run folders before, with --other")
    parser.add_argument("--other", nargs="+", default=[], metavar="RUN", help="run folders after")
    parser.add_argument(
        "--locust-csv", nargs=2, metavar="PREFIX", help="what Locust's --csv was given, before and after, instead"
    )
    parser.add_argument(
        "--self", metavar="RUN", dest="itself", help="how often noise would be a finding here, and what would be seen"
    )
    parser.add_argument(
        "--comparisons",
        type=options.positive,
        default=1000,
        metavar="N",
        help="with --self: how often the run is compared with itself (default 1,000)",
    )
    parser.add_argument(
        "--ref",
        action="append",
        default=[],
        metavar="REV",
        help="a git revision of the app; give two, before and after",
    )
    parser.add_argument("--run", metavar="RUN", help="with --ref: send this run's requests (default: record new ones)")
    parser.add_argument("--app-dir", metavar="D", help="with --ref: the app's folder (default: the current one)")
    parser.add_argument(
        "--requests", type=options.positive, metavar="N", help="with --ref: how many to record (default 1,000)"
    )
    parser.add_argument("--out", metavar="D", help="folder of the comparison (default reports/<time>-<id>-compare)")


def command(args: argparse.Namespace) -> int:
    """Compare, print and write; returns the exit code."""
    ways.check(args)
    console, started = Console(highlight=False), time.monotonic()
    if args.itself:
        return _itself(args, console)
    if args.ref:
        return _revisions(args, console, started)
    return tell(_found(args), _out(args), console, started)


def tell(found: Comparison, out: Path, console: Console, started: float) -> int:
    """Print a comparison and write it to `out`; returns the exit code."""
    from chaos_analysis.compare import write  # noqa: PLC0415 - matplotlib comes with it
    from chaos_test.compare.show import show  # noqa: PLC0415 - likewise

    show(console, found, write(found, out)[0], time.monotonic() - started)
    return EXIT_CODES.get(found.verdict, 0)


def _found(args: argparse.Namespace) -> Comparison:
    from chaos_analysis import AnalysisError, compare  # noqa: PLC0415 - pandas comes with it

    base, other = ([args.runs[0]], [args.runs[1]]) if args.runs else (args.base, args.other)
    try:
        if args.locust_csv:
            return compare.compare_csv(*args.locust_csv)
        return compare.compare([Path(run) for run in base], [Path(run) for run in other])
    except AnalysisError as error:
        raise ChaosTestError(str(error)) from None


def _itself(args: argparse.Namespace, console: Console) -> int:
    from chaos_analysis import AnalysisError  # noqa: PLC0415 - pandas comes with it
    from chaos_test.compare import self_  # noqa: PLC0415 - likewise

    try:
        return self_.tell(Path(args.itself), args.comparisons, console)
    except AnalysisError as error:
        raise ChaosTestError(str(error)) from None


def _revisions(args: argparse.Namespace, console: Console, started: float) -> int:
    from chaos_analysis import AnalysisError  # noqa: PLC0415 - pandas comes with it
    from chaos_test import __main__, plan  # noqa: PLC0415 - that module imports this one
    from chaos_test.compare import revisions  # noqa: PLC0415 - pandas comes with it
    from chaos_test.replay.recall import plan_of  # noqa: PLC0415 - likewise

    recorded, out = Path(args.run).resolve() if args.run else None, _out(args).resolve()
    folder = ["--app-dir", args.app_dir] if args.app_dir else []
    words = ["run", *folder, "--requests", str(args.requests or DEFAULT_REQUESTS)]
    planned = plan_of(recorded) if recorded else plan.make(__main__.parser().parse_args(words))
    try:
        with Interrupt() as interrupt:
            found = revisions.compare_revisions(
                planned, (args.ref[0], args.ref[1]), recorded, out, console=console, interrupt=interrupt
            )
    except AnalysisError as error:
        raise ChaosTestError(str(error)) from None
    return tell(found, out, console, started)


def _out(args: argparse.Namespace) -> Path:
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}-compare"
    return Path(args.out) if args.out else Path("reports") / name
