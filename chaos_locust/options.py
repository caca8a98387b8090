"""The options that chaos_locust adds to Locust: on the command line, in locust.conf, as variables and in the web UI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import Namespace

    from locust.argument_parser import LocustArgumentParser


@dataclass(frozen=True)
class Options:
    """The options as given. `run_dir` is "" where none is named; `run_time` and `requests` are 0 without a limit.

    `script` and `turns` are paths, "" for none.
    """

    seed: int
    stages: str
    requests: int
    run_dir: str
    deadline: float
    run_time: float
    users: int
    deal: bool = False
    script: str = ""
    turns: str = ""


def add_options(parser: LocustArgumentParser, **_: Any) -> None:
    """Locust's `init_command_line_parser` event."""
    group = parser.add_argument_group("chaos", "Seeded, recorded requests (chaos_locust).")
    shown = [
        group.add_argument(
            "--chaos-seed", type=int, default=42, env_var="CHAOS_SEED", metavar="<int>",
            help="Seed of task choice, waits and the module random, restarted for each iteration. Defaults to 42.",
        ),
        group.add_argument(
            "--chaos-stages", default="", env_var="CHAOS_STAGES", metavar="<name=amount,...>",
            help="Stages in order: baseline=5s,chaos=25s,recovery=5s; or in percent of the requests or the run time "
            "(the default: 20, 70 and 10).",
        ),
        group.add_argument(
            "--chaos-requests", type=int, default=0, env_var="CHAOS_REQUESTS", metavar="<int>",
            help="Stop after this many requests, each user sending its share. Defaults to 0, no limit.",
        ),
        group.add_argument(
            "--chaos-deadline", type=float, default=10.0, env_var="CHAOS_DEADLINE", metavar="<seconds>",
            help="A request without a whole answer by then has failed. Defaults to 10.",
        ),
    ]  # fmt: skip
    for action in shown:
        action.include_in_web_ui = True  # a group refuses it as an argument
    group.add_argument(
        "--chaos-deal",
        action="store_true",
        env_var="CHAOS_DEAL",
        help="Deal the stages to iterations in turn, all of equal weight, instead of one stage after the other.",
    )
    group.add_argument(
        "--chaos-script",
        default="",
        env_var="CHAOS_SCRIPT",
        metavar="<file>",
        help="Send the iterations that this file lists, in its blocks, instead of others.",
    )
    group.add_argument(
        "--chaos-turns",
        default="",
        env_var="CHAOS_TURNS",
        metavar="<folder>",
        help="With --chaos-script: block N begins when there is a file turn-N, and leaves a file done-N.",
    )
    group.add_argument(
        "--chaos-run-dir",
        default="",
        env_var="CHAOS_RUN_DIR",
        metavar="<folder>",
        help="Where rows and statistics go. Defaults to reports/<time>-locust.",
    )


def read_options(parsed: Namespace, users: int) -> Options:
    """The options of a test. What the web UI sends may be text."""
    values = vars(parsed)
    return Options(
        seed=int(values["chaos_seed"]),
        stages=str(values["chaos_stages"] or ""),
        requests=int(values["chaos_requests"] or 0),
        run_dir=str(values["chaos_run_dir"] or ""),
        deadline=float(values["chaos_deadline"]),
        run_time=float(values.get("run_time") or 0),
        users=users,
        deal=bool(values["chaos_deal"]),
        script=str(values["chaos_script"] or ""),
        turns=str(values["chaos_turns"] or ""),
    )
