"""One service under its case's faults: the real command's parts, a real server, real Locust, the real analysis."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

import chaos_analysis
from benchmarks.truth.case import Case, experiment
from benchmarks.truth.collect import CASES, Service
from benchmarks.truth.judge import judge
from benchmarks.truth.mend import Mending, mend
from chaos_analysis import artefacts
from chaos_test import runner
from chaos_test.experiment import prepare
from chaos_test.interrupt import Interrupt
from chaos_test.plan import Plan, free_port
from chaos_test.table import Table
from chaos_test.target import Target

ROOT = Path(__file__).parents[2]
_VISITORS = Path(__file__).with_name("visitors.py")
_TIME_LIMIT = 60.0


@dataclass(frozen=True)
class Ran:
    """A run's folder, its findings, how often each rule fired; `error` says why it is worth nothing. `mending` is what
    its patches did, None where that was not asked. `crowded` says what others took of the machine, where it was more in
    one stage than in another; `again`: so it was with the runs before, which this one stands in for.
    """

    folder: Path
    seconds: float
    patterns: tuple[Mapping[str, Any], ...] = ()
    fired: Mapping[str, int] = field(default_factory=dict)
    error: str = ""
    mending: Mending | None = None
    crowded: str = ""
    again: tuple[str, ...] = ()


def leave_ctrl_c_to_runs() -> None:
    """Have Ctrl-C end this process between runs, and in a run when that has ended what it started."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))


def run(service: Service, seed: int, out: Path, env: Callable[..., Mapping[str, str]], *, mending: bool) -> Ran:
    """Run it, in a folder of its own below `out`; `env` makes what it needs, and tells where that is.

    `mending`: apply and measure, too, what it proposes for a defect. What an earlier run left there is removed.
    """
    started = time.monotonic()
    folder = out / f"{service.title}.{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    ran = _caught(service, seed, folder, env, mending=mending and service.kind == "defect")
    return replace(ran, seconds=time.monotonic() - started)


def says_nothing(service: Service, ran: Ran) -> bool:
    """Whether it went wrong while others took the machine: no word about the finders, and to be made once more."""
    return bool(ran.crowded) and (bool(ran.error) or not judge(service, ran.patterns).good)


def _caught(service: Service, seed: int, folder: Path, env: Callable[..., Mapping[str, str]], *, mending: bool) -> Ran:
    folder.mkdir(parents=True)
    try:
        return _run(service, seed, folder, env, mending=mending)
    except Exception as error:  # one run that cannot be made or read is one run lost
        (folder / "traceback.txt").write_text(traceback.format_exc())
        return Ran(folder, 0.0, error=f"{type(error).__name__}: {error}")


def _run(service: Service, seed: int, folder: Path, env: Callable[..., Mapping[str, str]], *, mending: bool) -> Ran:
    os.environ["TRUTH_CASE"] = service.case
    with (folder / "console.log").open("w") as log, Interrupt() as interrupt:
        plan = _plan(service, seed, folder, env())
        run_dir, over = runner.execute(plan, Console(file=log), sys.argv, interrupt)
    if over.ended_by == "interrupted":
        os._exit(130)  # the bench got the same Ctrl-C; what it has queued for this process is not to run
    analysis = chaos_analysis.analyse(run_dir, write=False)
    artefacts.write(analysis, run_dir)
    patterns = json.loads((run_dir / "failure-patterns.json").read_bytes())["patterns"]
    fired = Counter(analysis.tables.faults["rule"].tolist())
    worthless = _worthless(service.about, over, analysis, fired)
    crowd = next((check.summary for check in analysis.checks if check.name == "neighbours" and not check.ok), "")
    mended = None
    if mending and not worthless:
        made = partial(_of_arm, env)
        mended = mend(service, plan, run_dir, analysis, made)
    return Ran(run_dir, 0.0, tuple(patterns), fired, worthless, mended, crowd)


def _of_arm(env: Callable[..., Mapping[str, str]], arm: int) -> Mapping[str, str]:
    return env(arm=arm)


def _worthless(about: Case, over: Any, analysis: Any, fired: Mapping[str, int]) -> str:
    """Why nothing can be learnt from it: it did not run as planned, or did not meet its faults."""
    broken = [f"{check.name}: {check.summary}" for check in analysis.checks if check.fatal and check.ok is False]
    idle = [rule["name"] for rule in about.rules if fired.get(rule["name"], 0) < about.least]
    if over.ended_by != "requests":
        broken.insert(0, over.reason)
    broken += [f"rule {name} fired {fired.get(name, 0)} times, {about.least} are needed" for name in idle]
    return "; ".join(broken)


def _plan(service: Service, seed: int, folder: Path, env: Mapping[str, str]) -> Plan:
    about = service.about
    file = folder / "experiment.json"
    file.write_text(json.dumps(experiment(about, seed), indent=1))
    given = {**env, "PYTHONPATH": str(ROOT)}
    return Plan(
        target=Target(
            app=f"{service.case}:{service.name}()",
            url=None,
            dir=CASES,
            python=Path(sys.executable),
            table=Table(env=tuple(given.items())),
        ),
        experiment=prepare(file, seed=None, stages=None, run_time=None),
        ledger=None,
        port=free_port(None, "port"),
        workers=about.workers,
        locustfiles=(_VISITORS,),
        endpoints=(),
        users=about.users,
        requests=about.requests,
        run_time=None,
        processes=1,
        deadline=about.deadline,
        time_limit=_TIME_LIMIT,
        enough_after=_TIME_LIMIT,
        slos=(),
        out=folder,
    )
