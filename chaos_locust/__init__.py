"""Seeded, recorded Locust: `import chaos_locust` in a locustfile, and every user's requests carry a key and a stage.

The import changes Locust for the whole process; what and why stands in `clients`, `users` and `draws`. Nothing else
needs to be written. Where it helps:

- `@steps(3)` on a task declares how many requests it sends, so that `--chaos-requests` plans by them;
- `step("book")` names the next request's step, so that a journey that branches keeps its keys;
- `current()` is the current user's journey: its `user` and `iteration` make names that no other user makes;
- `note("booked", id=7)` keeps what a user knows, and `@invariant("...")` states what must be true of it and of the
  service when the load is over (docs/invariants.md).
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import gevent
from locust import User, events
from locust.runners import MasterRunner, WorkerRunner

from chaos_locust import clients, draws, users
from chaos_locust.deadline import Deadline
from chaos_locust.distributed import Master, Worker
from chaos_locust.facts import Fact, Facts
from chaos_locust.hooks import listen
from chaos_locust.invariants import Violation, invariant
from chaos_locust.journey import Journey, current_draws, current_journey
from chaos_locust.options import add_options
from chaos_locust.plan import PlanError, make_plan
from chaos_locust.service import Service
from chaos_locust.session import Alone, Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust.env import Environment
    from locust.runners import Runner

__all__ = ["Fact", "Facts", "Journey", "Service", "Violation", "current", "invariant", "note", "step", "steps"]

TaskT = TypeVar("TaskT", bound="Callable[..., Any]")

_SESSION = "_chaos_session"  # where an environment keeps its session
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,60}")
_NOWHERE = make_plan("", requests=0, run_time=0, users=1)
_NOBODY = Journey("0", 0, _NOWHERE, seed=0, stage="chaos", kind="", deadline=Deadline(10))


def steps(count: int) -> Callable[[TaskT], TaskT]:
    """Declare that a task sends this many requests, whatever the answers."""
    if count < 1:
        raise ValueError(f"steps({count}): a task sends at least one request")

    def declare(task: TaskT) -> TaskT:
        task.__dict__["chaos_steps"] = count
        return task

    return declare


def step(label: str) -> None:
    """Call the current user's next request by this label, not by its number; used again, it gets `-2`, `-3`, …"""
    if not _LABEL.fullmatch(label):
        raise ValueError(f"step({label!r}): letters, digits, _ and -, at most 60")
    current().label(label)


def note(fact: str, /, **values: object) -> None:
    """Keep a fact for the invariants, with the key of the latest request of this iteration, or of its first to come."""
    if not fact:
        raise ValueError('note() needs a name for the fact: note("booked", id=7)')
    current().note(fact, values)


def current() -> Journey:
    """The journey of the user that this greenlet runs."""
    return current_journey.get() or _NOBODY


def _board(user: User) -> Journey | None:
    session: Session | None = vars(user.environment).get(_SESSION)
    return None if session is None else session.board(user)


def _init(environment: Environment, runner: Runner | None = None, **_: Any) -> None:
    """Locust's `init` event."""
    session: Session
    gevent.get_hub().loop.update_now()  # its clock stood still: --run-time would end early
    if runner is None:  # run_single_user: nothing is recorded
        return
    if isinstance(runner, WorkerRunner):
        session = Worker(environment, runner)
    else:
        session = Master(environment, runner) if isinstance(runner, MasterRunner) else Alone(environment, runner)
        try:
            session.check()
        except PlanError as error:
            print(f"locust: {error}", file=sys.stderr)  # an error of usage
            raise SystemExit(2) from None
    vars(environment)[_SESSION] = session


listen(events.init_command_line_parser, add_options)
listen(events.init, _init)
clients.install()
users.install(_board)
draws.install(current_draws)
