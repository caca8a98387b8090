"""`chaos-test report`: rebuild everything from a run folder, or explain somebody's plain Locust CSVs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from chaos_test import harvest, rundir, summary
from chaos_test.analysis import analyse, analyse_locust_csv
from chaos_test.ending import exit_code
from chaos_test.errors import ChaosTestError

if TYPE_CHECKING:
    import argparse

HELP = "rebuild a run's report from its folder, or explain plain Locust CSVs"
EPILOG = """examples:
  chaos-test report                                    the newest run in reports/
  chaos-test report reports/20260102T030405Z-1a2b      that one
  chaos-test report --locust-csv load/stats --out why  from load/stats_stats.csv and the files beside it

exit codes: as for chaos-test run"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `report`."""
    parser.add_argument("run_dir", nargs="?", metavar="RUN_DIR", help="a run folder (default: the newest in reports)")
    parser.add_argument("--locust-csv", metavar="PREFIX", help="what Locust's --csv was given, instead of a run folder")
    parser.add_argument("--out", metavar="D", help="folder of the report on CSVs (default PREFIX-report)")


def command(args: argparse.Namespace) -> int:
    """Write the report again; returns the exit code that its run would have."""
    console = Console()
    if args.locust_csv:
        return _locust_csv(args, console)
    if args.out:
        raise ChaosTestError("--out goes with --locust-csv: a run's report is written into its own folder")
    run_dir = Path(args.run_dir) if args.run_dir else rundir.newest(Path("reports"))
    if not run_dir.is_dir():
        raise ChaosTestError(f"{run_dir}: there is no such run folder")
    _finish_killed(run_dir)
    analysis = analyse(run_dir)
    summary.show(console, analysis, run_dir)
    return exit_code(analysis.run.get("ended_by"), analysis.exit_code)


def _locust_csv(args: argparse.Namespace, console: Console) -> int:
    if args.run_dir:
        raise ChaosTestError("give a run folder or --locust-csv PREFIX, not both")
    out = Path(args.out or f"{args.locust_csv}-report")
    analysis = analyse_locust_csv(args.locust_csv, out)
    summary.show(console, analysis, out)
    return analysis.exit_code


def _finish_killed(run_dir: Path) -> None:
    """A run whose command was killed has not been harvested: do it now, while the app's sources are still there."""
    file = run_dir / "run.json"
    try:
        run = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return  # the analysis says what is wrong with it
    ours = isinstance(run, dict) and isinstance(run.get("app"), dict) and (run_dir / "chaos-config.json").is_file()
    if ours and run.get("finished") is None:
        harvest.finish(run_dir, run)
