"""One run from its plan to its report: start, wait, open the gate, watch, stop, harvest, analyse."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from chaos_test import ending, harvest, load, record, rundir, server, summary
from chaos_test.analysis import analyse
from chaos_test.ending import Ending
from chaos_test.errors import ChaosTestError
from chaos_test.interrupt import Interrupt
from chaos_test.ledger import Slice
from chaos_test.neighbours import Neighbours
from chaos_test.network.stage import Stage
from chaos_test.processes import Children
from chaos_test.progress import Progress
from chaos_test.resources import Resources
from chaos_test.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.console import Console

    from chaos_test.plan import Plan
    from chaos_test.processes import Child
    from chaos_test.watch import Seen

LOOK_SECONDS = 0.2


def run(plan: Plan, console: Console, argv: list[str]) -> int:
    """Carry out a plan and leave its report; returns the exit code, raises `ChaosTestError` if it cannot start."""
    with Interrupt() as interrupt:
        run_dir, over = execute(plan, console, argv, interrupt)
        if over.ended_by == "interrupted" and not Watch(run_dir).look().requests:
            return ending.exit_code(over.ended_by, 0)
        console.print("Analysing …", style="dim")
        analysis = analyse(run_dir)
    summary.show(console, analysis, run_dir)
    return ending.exit_code(over.ended_by, analysis.exit_code)


def execute(plan: Plan, console: Console, argv: list[str], interrupt: Interrupt) -> tuple[Path, Ending]:
    """Carry out a plan and leave its run folder, ready for the analysis; raises `ChaosTestError` if it cannot start."""
    if plan.target.url and not server.answers(plan.url):
        raise ChaosTestError(f"--url {plan.url}: nobody answers there")
    run_dir = rundir.create(plan.out)
    begun = record.begun(plan, run_dir, argv)
    (run_dir / "chaos-config.json").write_text(plan.experiment.text, encoding="utf-8")
    rundir.write_json(run_dir / rundir.RUN, begun)
    try:
        over = _drive(plan, run_dir, Progress(console, plan), interrupt)
    except ChaosTestError as error:
        if Watch(run_dir, plan.ledger).look().requests:
            rundir.write_json(run_dir / rundir.RUN, begun | {"reason": error.brief})
        else:
            rundir.leave(run_dir, str(error))
        raise
    harvest.finish(run_dir, begun | {"ended_by": over.ended_by, "reason": over.reason})
    return run_dir, over


def _drive(plan: Plan, run_dir: Path, progress: Progress, interrupt: Interrupt) -> Ending:
    """Everything that needs processes; when this returns none is left."""
    leased = [run_dir, *filter(None, [plan.ledger])]
    with Children() as children, rundir.Lease(*leased), progress:
        progress.say(summary.opening(plan, run_dir))
        elsewhere = Slice(plan.ledger) if plan.ledger else None
        servers = () if plan.target.url else server.start(children, plan, run_dir)
        locust = load.start(children, plan, run_dir, host=servers[0].clients if servers else None)
        living = [*(each.child for each in servers), locust]
        urls = [each.url for each in servers if each.url] or [plan.url]
        if not all(server.wait_until_ready(url, living, lambda: interrupt.asked) for url in urls):
            return Ending("interrupted", "Stopped by the user before the load began.")
        stage = Stage(run_dir)
        resources = Resources(run_dir, servers[0].child.pid if servers else None)
        resources.before()
        neighbours = Neighbours(run_dir, ours=bool(servers))
        load.open_gate(children)

        def looked(seen: Seen, elapsed: float) -> None:
            progress.show(seen, elapsed)
            resources.look()
            neighbours.look()
            stage.tell(seen.stage)

        over = _watch(plan, run_dir, interrupt, living, looked, sleep=neighbours.sleep)
        progress.say(over.reason)
        children.stop(locust)
        resources.after()
        if elsewhere:
            elsewhere.take(run_dir / "faults")
        return over


def _watch(
    plan: Plan,
    run_dir: Path,
    interrupt: Interrupt,
    living: list[Child],
    looked: Callable[[Seen, float], None],
    *,
    sleep: Callable[[float], None],
) -> Ending:
    """Look again and again until something ends the run; `looked` gets what was seen, and after how many seconds."""
    watch = Watch(run_dir, plan.ledger)
    started = time.monotonic()
    *servers, locust = living
    while True:
        locust_code = locust.returncode  # before looking: what it wrote before it ended is then seen
        seen, elapsed = watch.look(), time.monotonic() - started
        looked(seen, elapsed)
        if interrupt.asked:
            return Ending("interrupted", f"Stopped by the user after {seen.requests:,} requests.")
        over = (
            ending.of_servers(servers, seen.requests)
            or ending.of_locust(plan, locust, locust_code, seen.requests)
            or ending.of_time(plan, elapsed, seen.requests)
        )
        if over:
            return over
        sleep(LOOK_SECONDS)
