"""`chaos-test run`: break a service while Locust drives it, and report what was seen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console

from chaos_test import options, plan, runner

if TYPE_CHECKING:
    import argparse

HELP = "break a service while Locust drives it, and write a report"
EPILOG = """examples:
  chaos-test run                                             the Orbital Travel Planner, if you are in its repository
  chaos-test run 'shop:make()' --endpoint 'GET /items'       an app in the current folder, no locustfile needed
  chaos-test run shop:app --app-dir ../shop --python ../shop/.venv/bin/python --locustfile buyers.py
  chaos-test run --url http://127.0.0.1:8000 --locustfile buyers.py --slo 'p95<500ms of GET /items in chaos'

exit codes: 0 fine, or every SLO held · 1 an SLO is broken · 2 wrong usage, or it could not be started ·
            3 the run is invalid (nothing injected, records lost, no data, a crash) · 4 stopped by you"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `run`."""
    add_target(parser)
    load = add_load(parser)
    add_stages(load)
    length = load.add_mutually_exclusive_group()
    length.add_argument(
        "--requests", type=options.positive, metavar="N", help=f"requests in all (default {plan.DEFAULT_REQUESTS:,})"
    )
    length.add_argument("--run-time", type=options.seconds, metavar="T", help="run by time instead, e.g. 40s or 5m")
    load.add_argument(
        "--enough-after",
        type=options.seconds,
        default=60.0,
        metavar="T",
        help=f"end a run by requests after this long if at least {plan.ENOUGH_REQUESTS} are in (default 60s)",
    )
    load.add_argument(
        "--time-limit",
        type=options.seconds,
        metavar="T",
        help="end at the latest after this long (default 2m, or the run time + 30s)",
    )
    add_outcome(parser)


def add_target(parser: argparse.ArgumentParser) -> None:
    """What is broken."""
    group = parser.add_argument_group("the service")
    group.add_argument(
        "target",
        nargs="?",
        metavar="MODULE:APP",
        help="a WSGI app, or MODULE:FACTORY() (default: the app of [tool.chaos-test] here or above, else the planner)",
    )
    group.add_argument(
        "--app-dir",
        metavar="D",
        help="the app's source folder (default: app-dir of [tool.chaos-test], else the current one)",
    )
    group.add_argument(
        "--python",
        metavar="PY",
        help="the app's own interpreter, 3.9 or later; it needs none of our packages (default: this one)",
    )
    group.add_argument(
        "--workers", type=options.positive, default=2, metavar="N", help="worker processes of the app (default 2)"
    )
    group.add_argument(
        "--port", type=options.port, metavar="N", help="port of the app on 127.0.0.1 (default: a free one)"
    )
    group.add_argument(
        "--url", metavar="URL", help="drive a service that runs already; faults need ChaosMiddleware in it"
    )
    group.add_argument(
        "--ledger", metavar="D", help="with --url: the service's CHAOS_RUN_DIR, if it is on this machine"
    )
    group.add_argument(
        "--config",
        metavar="F",
        help="the experiment, a chaos-config.json (default: the app's, else delays and exceptions on 10%% each)",
    )
    group.add_argument(
        "--seed", type=options.seed, metavar="N", help="seed of faults and users (default: the experiment's)"
    )


def add_load(parser: argparse.ArgumentParser, users: int = 20) -> argparse._ArgumentGroup:
    """Who drives it."""
    group = parser.add_argument_group("the load")
    group.add_argument(
        "--locustfile",
        action="append",
        default=[],
        metavar="F",
        help="who uses the service; may be given several times",
    )
    group.add_argument(
        "--endpoint",
        action="append",
        default=[],
        type=options.endpoint,
        metavar="'GET /path'",
        help='call this endpoint, without a locustfile; JSON after the path is its body: \'POST /path {"a": "x{n}"}\', '
        "where {n} is another number in each request; may be given several times",
    )
    group.add_argument(
        "--users", type=options.positive, default=users, metavar="N", help=f"users at once (default {users})"
    )
    group.add_argument(
        "--processes", type=options.positive, default=1, metavar="N", help="Locust processes (default 1)"
    )
    group.add_argument(
        "--deadline",
        type=options.seconds,
        default=10.0,
        metavar="T",
        help="a user gives up on a request after this long (default 10s)",
    )
    return group


def add_stages(group: argparse._ArgumentGroup) -> None:
    """How the run is parted."""
    group.add_argument(
        "--stages",
        type=options.stages,
        metavar="LIST",
        help="baseline=5s,chaos=25s,recovery=5s, or shares: baseline=20%%,chaos=70%%,recovery=10%%",
    )


def add_outcome(parser: argparse.ArgumentParser) -> None:
    """What it is judged by, and where it goes."""
    group = parser.add_argument_group("the outcome")
    group.add_argument(
        "--slo",
        action="append",
        default=[],
        metavar="EXPR",
        help="'error_rate<1%%', 'p95<500ms', '… of GET /path', '… in STAGE'; may be given several times; "
        "judges baseline and recovery unless it names a stage (default: the experiment's)",
    )
    group.add_argument("--out", default="reports", metavar="D", help="where run folders are made (default reports)")


def command(args: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    return runner.run(plan.make(args), Console(), ["chaos-test", *sys.argv[1:]])
