"""One process's part in a test: its users' journeys, its rows, its stages, and a sample a second of its own load."""

from __future__ import annotations

import functools
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
import psutil
from gevent.event import Event

from chaos_locust.deadline import Deadline
from chaos_locust.exceptions import told
from chaos_locust.facts import line
from chaos_locust.hooks import JOURNEY
from chaos_locust.journey import Journey, current_journey
from chaos_locust.recorder import Recorder
from chaos_locust.script import ScriptedJourney
from chaos_locust.turns import Turns
from chaos_locust.users import wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust import User

    from chaos_locust.facts import Fact
    from chaos_locust.folder import Folder
    from chaos_locust.options import Options
    from chaos_locust.plan import Plan

_SPREAD_SECONDS = 0.5


class Part:
    """`rank` of `workers` says which of the test's users are here: the first, the one `workers` later, and so on.

    `prefix` goes before a user's number in its keys; it is "" in a process that is alone.
    """

    def __init__(
        self, name: str, prefix: str, rank: int, workers: int, *, plan: Plan, options: Options, folder: Folder
    ) -> None:
        self._prefix = prefix
        self._rank, self._workers = rank, workers
        self._plan = plan
        self._options = options
        self._folder = folder
        self._started = time.time()
        self._stage = plan.names[0]
        self._stage_started = self._started
        self._spans = {self._stage: [self._started, self._started]}  # in a run by requests
        self._gates: dict[str, Event] = {}
        self._users: list[tuple[User, Journey]] = []
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first call only sets the mark
        rows, shapes = folder.part(f"{name}.jsonl"), folder.shared(f"shapes-{name}.jsonl")
        self.recorder = Recorder(name, rows, lambda: self._stage, shapes)
        self._clock = None if plan.requests else gevent.spawn(self._change_stages)
        script = plan.script
        at = Path(options.turns) if options.turns else None
        self._turns = Turns(at, script.blocks, self._is_through) if script else None

    def board(self, user: User) -> Journey:
        """Number a new user."""
        here = len(self._users)
        name, script = f"{self._prefix}{here}", self._plan.script
        make = Journey if script is None else functools.partial(ScriptedJourney, turns=script.turns.get(name, ()))
        journey = make(
            name,
            here * self._workers + self._rank,
            self._plan,
            seed=self._options.seed,
            stage=self._stage,
            kind=type(user).__name__,
            deadline=Deadline(self._options.deadline),
            meet=functools.partial(self._meet if script is None else self._await_turn, user),
            keep=self._keep,
        )
        self._users.append((user, journey))
        return journey

    def done(self) -> bool:
        """Whether every planned user of this process has used its quota, or has died."""
        self._open_gates()
        return bool(self._plan.requests) and self._all(lambda journey: journey.done)

    def sample(self, users: int) -> None:
        """Write a sample of the load."""
        sample = {
            "t": time.time(),
            "part": self.recorder.part,
            "users": users,
            "cpu_percent": self._process.cpu_percent(),
            "requests": self.recorder.rows,
            "failures": self.recorder.failures,
            "stage": self._users[0][1].stage if self._plan.requests and self._users else self._stage,
        }
        self._write("load.jsonl", sample)

    def on_user_error(self, exception: BaseException, **_: Any) -> None:
        """Locust's `user_error` event: keep an exception that left a task or `on_start`."""
        journey = current_journey.get()
        if journey is not None:
            record = {"iteration": journey.place, "stage": journey.stage, "at": time.time(), **told(exception)}
            self._write(f"exceptions-{self.recorder.part}.jsonl", record)

    def close(self, totals: dict[str, list[int]]) -> None:
        """Write what is only known at the end; `totals` are Locust's."""
        if self._turns is not None:
            self._turns.close()
        if self._clock is None:
            last = {journey.stage for _, journey in self._users}
            for stage, (started, ended) in self._spans.items():
                self._write_stage(stage, started, time.time() if stage in last else ended)
        else:
            self._clock.kill()
            self._write_stage(self._stage, self._stage_started, time.time())
        self.recorder.close(totals)
        self._folder.close()

    def _keep(self, fact: Fact) -> None:
        self._folder.shared(f"facts-{self.recorder.part}.jsonl")(line(fact))

    def _meet(self, user: User) -> None:
        """Hold a user that goes to another stage until all have ended the one before: what a fault does there must not
        show here. Workers do not wait for one another.
        """
        journey: Journey = getattr(user, JOURNEY)
        self._spans[journey.stage][1] = time.time()
        gate = self._gates.setdefault(journey.bound, Event())
        self._open_gates()
        wait(user, gate)
        gevent.sleep(journey.number / self._plan.users * _SPREAD_SECONDS)  # all at once would be a load of its own
        self._spans.setdefault(journey.bound, [time.time(), time.time()])

    def _await_turn(self, user: User) -> None:
        """Hold a user until its next block may begin."""
        journey: ScriptedJourney = getattr(user, JOURNEY)
        assert self._turns is not None
        wait(user, self._turns.gate(journey.block))
        gevent.sleep(journey.number / self._plan.users * _SPREAD_SECONDS)

    def _is_through(self, block: int) -> bool:
        return self._all(lambda journey: isinstance(journey, ScriptedJourney) and journey.block > block)

    def _open_gates(self) -> None:
        names = self._plan.names
        for stage, gate in self._gates.items():
            behind = names[: names.index(stage)]
            if not gate.is_set() and self._all(functools.partial(_is_beyond, behind)):
                gate.set()

    def _all(self, holds: Callable[[Journey], bool]) -> bool:
        """Whether this holds for every planned user of this process that has not used its quota or died."""
        planned = len(range(self._rank, self._plan.users, self._workers))
        return len(self._users) >= planned and all(
            journey.done or (user.greenlet is not None and user.greenlet.dead) or holds(journey)
            for user, journey in self._users[:planned]
        )

    def _change_stages(self) -> None:
        for name, end in zip(self._plan.names[1:], self._plan.ends, strict=False):
            gevent.sleep(max(self._started + end - time.time(), 0))
            now = time.time()
            self._write_stage(self._stage, self._stage_started, now)
            self._stage, self._stage_started = name, now
            for _, journey in self._users:
                journey.stage = name

    def _write_stage(self, stage: str, started: float, ended: float) -> None:
        self._write("stages.jsonl", {"stage": stage, "started": started, "ended": ended, "part": self.recorder.part})

    def _write(self, name: str, record: dict[str, object]) -> None:
        self._folder.shared(name)(json.dumps(record).encode() + b"\n")


def _is_beyond(stages: tuple[str, ...], journey: Journey) -> bool:
    return journey.bound not in stages
