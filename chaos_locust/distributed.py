"""A master and its workers (`--processes`, `--master`, `--worker`): who does what, and how nothing is lost at the end.

The master tells the workers about a test in the options that Locust sends them with every spawn message, so that a
worker that joins late knows as well. Before the master stops, it asks the workers to stop and waits for their last
reports; Locust's own master waits half a second, however long the requests under way may take.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
from locust.exception import RPCError, RPCSendError
from locust.runners import STATE_CLEANUP, STATE_MISSING, STATE_STOPPED, MasterRunner, WorkerRunner

from chaos_locust.folder import Disk, Post, deliver, shares_disk
from chaos_locust.hooks import listen
from chaos_locust.options import read_options
from chaos_locust.part import Part
from chaos_locust.plan import make_plan
from chaos_locust.session import Owner, Session

if TYPE_CHECKING:
    from locust.env import Environment

logger = logging.getLogger(__name__)

_BRIEF = "chaos_brief"  # among the options that a master sends
_DONE = "chaos_done"  # worker to master: its users have used their quota
_FINISH = "chaos_finish"  # master to worker: stop and report
_FINISHED = "chaos_finished"  # worker to master: that was everything
_GRACE = 5.0  # seconds beyond the stop timeout for a worker's last report
_PATIENCE = 1.0  # seconds after Ctrl-C in which a master that has it too will have called


@dataclass(frozen=True)
class Brief:
    """What a worker must know of a test. `ranks` numbers the workers in the order in which Locust gives them users."""

    folder: str
    users: int
    run_time: float
    ranks: dict[str, int]


class Master(Owner):
    """Starts no users."""

    runner: MasterRunner

    def __init__(self, environment: Environment, runner: MasterRunner) -> None:
        super().__init__(environment, runner)
        self._disk: Disk | None = None
        self._brief: Brief | None = None
        self._done: set[str] = set()
        self._finished: set[str] = set()
        runner.register_message(_DONE, lambda msg, **_: self._done.add(msg.node_id))
        runner.register_message(_FINISHED, lambda msg, **_: self._finished.add(msg.node_id))
        listen(environment.events.worker_report, self._worker_report)
        listen(environment.events.test_stopping, self._gather)

    def begin(self) -> None:
        """Brief the workers."""
        options, _, output = self.open()
        self._done.clear()
        self._finished.clear()
        if self._disk is not None:
            self._disk.close()
        self._disk = Disk(output.folder / "requests")
        assert self.runner._users_dispatcher is not None  # the order of its workers is nowhere else
        nodes = self.runner._users_dispatcher._worker_nodes
        ranks = {node.id: rank for rank, node in enumerate(nodes)}
        self._brief = Brief(str(output.folder), options.users, options.run_time, ranks)
        vars(self._parsed)[_BRIEF] = asdict(self._brief)

    def finish(self) -> None:
        """Close the tables."""
        self.conclude()

    def complete(self) -> bool:
        """Whether all workers that have users and are alive say so."""
        if self._brief is None or not self._done:
            return False
        working = {node for node, rank in self._brief.ranks.items() if rank < self._brief.users}
        return working & self._alive() <= self._done

    def stop_users(self) -> None:
        """Stop the workers' users; their reports come while Locust still listens."""
        self.runner.stop(send_stop_to_client=False)

    def _alive(self) -> set[str]:
        return {client.id for client in self.runner.clients.all if client.state != STATE_MISSING}

    def _worker_report(self, data: dict[str, Any], **_: Any) -> None:
        if self._disk is not None:
            deliver(data, self._disk)

    def _gather(self, **_: Any) -> None:
        """Locust's `test_stopping` event: have the workers stop, and wait until they have reported."""
        for client in self._alive():
            try:
                self.runner.send_message(_FINISH, client_id=client)
            except RPCSendError:
                logger.warning("Worker %s cannot be asked for its last report", client)
        patience = time.monotonic() + self.environment.stop_timeout + _GRACE
        while missing := self._alive() - self._finished:
            if time.monotonic() > patience:
                logger.error("No last report from %s: its latest requests are missing", ", ".join(missing))
                break
            gevent.sleep(0.02)


class Worker(Session):
    """Records its share of a test."""

    runner: WorkerRunner

    def __init__(self, environment: Environment, runner: WorkerRunner) -> None:
        super().__init__(environment, runner)
        self._totals: dict[str, list[int]] = {}
        self._post: Post | None = None
        self._interrupts = 0
        self._asked = False
        runner.register_message(_FINISH, self._master_finishes, concurrent=True)
        listen(environment.events.report_to_master, self._report)

    def interrupted(self) -> None:
        """Leave the first Ctrl-C to the master if it has one too.

        A terminal sends it to all processes. If workers left on their own, the master would give their users to others.
        """
        self._interrupts += 1
        if self._interrupts == 1:
            gevent.sleep(_PATIENCE)
        if self._interrupts > 1 or not self._asked:
            raise KeyboardInterrupt

    def begin(self) -> None:
        """Record here if this is the master's machine, else post the rows."""
        parsed = vars(self.environment.parsed_options)
        if _BRIEF not in parsed:
            logger.error("The master does not use chaos_locust: nothing is recorded")
            return
        self._asked = False
        brief = Brief(**parsed[_BRIEF])
        assert self.environment.parsed_options is not None  # Locust's worker has set it
        options = read_options(self.environment.parsed_options, brief.users)
        plan = make_plan(options.stages, requests=options.requests, run_time=brief.run_time, users=brief.users)
        requests = Path(brief.folder, "requests")
        folder = Disk(requests) if shares_disk(self.runner.master_host, requests) else Post()
        self._post = folder if isinstance(folder, Post) else None
        self._totals = {}
        rank = brief.ranks.get(self.runner.client_id, len(brief.ranks) + self.runner.worker_index)
        workers = max(len(brief.ranks), 1)
        self.record(Part(f"worker-{rank}", f"{rank}-", rank, workers, plan=plan, options=options, folder=folder))

    def finish(self) -> None:
        """Send the last figures, close the part with their totals, and send what that adds."""
        part = self.stop_recording()
        if part is not None:
            part.sample(self.runner.user_count)
            self._send()
            part.close(self._totals)
            self._send()

    def complete(self) -> bool:
        """Whether this worker's users are through."""
        return self.part is not None and self.part.done()

    def end(self) -> None:
        """Tell the master."""
        self.runner.send_message(_DONE)

    def sample(self) -> None:
        """Add to the load."""
        if self.part is not None:
            self.part.sample(self.runner.user_count)

    def stop_users(self) -> None:
        """Stop them, unless that is under way."""
        if self.runner.state not in (STATE_CLEANUP, STATE_STOPPED):
            self.runner.stop()
        while self.part is not None:
            gevent.sleep(0.01)

    def _master_finishes(self, **_: Any) -> None:
        self._asked = True
        if self.part is not None:
            self.stop_users()
        self.environment.stop_timeout = 0  # Locust's worker sleeps that long before it is ready again
        self.runner.send_message(_FINISHED)

    def _report(self, data: dict[str, Any], **_: Any) -> None:
        """Locust's `report_to_master` event; its own listener, before ours, has put in the figures since the last
        one.
        """
        for entry in data["stats"]:
            total = self._totals.setdefault(f"{entry['method']} {entry['name']}", [0, 0])
            total[0] += entry["num_requests"]
            total[1] += entry["num_failures"]
        if self._post is not None:
            self._post.report(data)

    def _send(self) -> None:
        try:
            self.runner._send_stats()  # Locust's own reports, every 3 s and at the very end, are too late for us
        except RPCError as error:
            logger.error("The last report could not be sent: %s", error)  # noqa: TRY400  # a traceback tells no more
