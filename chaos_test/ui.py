"""`chaos-test ui`: the app under chaos with Locust's web UI; a test that is stopped there leaves a report."""

from __future__ import annotations

import json
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console

from chaos_test import harvest, load, options, plan, record, rundir, server, summary
from chaos_test.analysis import analyse
from chaos_test.errors import ChaosTestError
from chaos_test.interrupt import Interrupt
from chaos_test.ledger import Slice
from chaos_test.processes import Children
from chaos_test.run import add_load, add_outcome, add_stages, add_target

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from chaos_test.plan import Plan
    from chaos_test.processes import Child

HELP = "the app under chaos, with the Locust web UI"
EPILOG = """Start and stop tests in the browser. Each leaves its report in test-1, test-2, … of the run folder.
Without --stages a test has 10 s of baseline and is under chaos from then on. Ctrl-C ends all."""
STAGES = "baseline=10s,chaos=1h"
LOOK_SECONDS = 0.3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `ui`."""
    add_target(parser)
    add_stages(add_load(parser))
    add_outcome(parser)
    parser.add_argument(
        "--web-port", type=options.port, default=8089, metavar="N", help="port of the UI (default 8089)"
    )
    parser.set_defaults(requests=None, run_time=None, enough_after=60.0, time_limit=None)


def command(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C; returns the exit code."""
    args.stages = args.stages or options.stages(STAGES)
    planned = plan.make(args)
    web_port = plan.free_port(args.web_port, "--web-port")
    run_dir = rundir.create(planned.out)
    (run_dir / "chaos-config.json").write_text(planned.experiment.text, encoding="utf-8")
    console = Console()
    tests = _Tests(planned, run_dir, console)  # before the app writes anything
    leased = [run_dir, *filter(None, [planned.ledger])]
    with Interrupt() as interrupt, Children() as children, rundir.Lease(*leased):
        servers = () if planned.target.url else server.start(children, planned, run_dir)
        host = servers[0].clients if servers else None
        locust = load.start(children, planned, run_dir, host=host, web_port=web_port)
        living = [*(each.child for each in servers), locust]
        urls = [*(each.url for each in servers if each.url), f"http://127.0.0.1:{web_port}"]
        load.open_gate(children)
        if all(server.wait_until_ready(url, living, lambda: interrupt.asked) for url in urls):
            console.print(_opening(planned.url, urls[-1], run_dir), highlight=False, soft_wrap=True)
            _serve(tests, living, interrupt)
            children.stop(locust)  # which ends a test that still runs
            tests.report()
    return 0


def _opening(url: str, ui: str, run_dir: Path) -> str:
    return (
        f"{url} is under chaos; the UI is at {ui}. Ctrl-C ends both.\n"
        f"A test that is stopped leaves its report in {rundir.shown(run_dir)}/test-1, test-2, …; "
        "the UI links to it under Download Data."
    )


def _serve(tests: _Tests, living: list[Child], interrupt: Interrupt) -> None:
    """Report each test that ends, until the user stops or something dies."""
    while not interrupt.asked:
        tests.report()
        for child in living:
            if child.returncode is not None:
                raise ChaosTestError(f"{child.name} {child.how_it_ended()}; {child.said()}")
        time.sleep(LOOK_SECONDS)


class _Tests:
    """The tests of a session, each reported once."""

    def __init__(self, planned: Plan, run_dir: Path, console: Console) -> None:
        self._plan = planned
        self._run_dir = run_dir
        self._console = console
        self._ledger = Slice(run_dir)
        self._reported: set[Path] = set()

    def report(self) -> None:
        """Report what has ended since the last look."""
        for mark in sorted(self._run_dir.glob("test-*/test-finished.json")):
            if mark not in self._reported:
                self._reported.add(mark)
                self._report(mark.parent, json.loads(mark.read_bytes()))

    def _report(self, folder: Path, test: dict[str, Any]) -> None:
        self._console.print(f"\n{folder.name} has ended: analysing …", highlight=False, style="dim")
        self._ledger.take(folder / "faults")
        shutil.copyfile(self._run_dir / "chaos-config.json", folder / "chaos-config.json")
        run = record.begun(self._plan, folder, ["chaos-test", *sys.argv[1:]])
        run["id"] = f"{self._run_dir.name}/{folder.name}"
        run["created"] = test["started"]
        run["load"] |= {"users": test["users"], "run_time": None}
        run |= {"ended_by": "interrupted", "reason": "Stopped in the web UI."}
        harvest.finish(folder, run)
        try:
            summary.show(self._console, analyse(folder), folder)
        except ChaosTestError as error:
            self._console.print(f"{rundir.shown(folder)}: {error}", highlight=False)
