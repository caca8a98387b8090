"""Changes to Locust's users: each one gets a number when it is created, and each run of a task is an iteration."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

from gevent.event import Event
from locust import User
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING, DefaultTaskSet, TaskSet

from chaos_locust.hooks import JOURNEY, replace
from chaos_locust.journey import current_draws, current_journey

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_locust.hooks import Method
    from chaos_locust.journey import Journey

_PACING = "chaos_pacing"  # the attribute of a task set in which `_pacing` is kept, as it is asked for every iteration
_UNKNOWN: Any = object()


def install(board: Callable[[User], Journey | None]) -> None:
    """Change the users, for the whole process. `board` gives a new user its journey, or None where no test runs."""
    replace(User, "__init__", functools.partial(_create, board))
    replace(User, "run", _run)
    replace(User, "stop", _stop)
    replace(DefaultTaskSet, "run", _run_tasks)
    replace(TaskSet, "execute_next_task", _execute)


def _create(board: Callable[[User], Journey | None], original: Method) -> Method:
    def create(self: User, environment: Any, *args: Any, **kwargs: Any) -> None:
        original(self, environment, *args, **kwargs)
        setattr(self, JOURNEY, board(self))

    return create


def _run(original: Method) -> Method:
    def run(self: User) -> Any:
        journey: Journey | None = getattr(self, JOURNEY)
        if journey is not None:
            current_journey.set(journey)
            current_draws.set(journey.draws)
        return original(self)

    return run


def _stop(original: Method) -> Method:
    """Locust kills a user that waits; one that wakes just before would be killed in its next request."""

    def stop(self: User, force: bool = False) -> Any:  # noqa: FBT001, FBT002 - Locust's own signature
        if force or self._state != LOCUST_STATE_WAITING:
            return original(self, force)
        self._state = LOCUST_STATE_STOPPING  # should it wake, it ends by itself
        self.group.killone(self.greenlet)
        return True

    return stop


def _run_tasks(original: Method) -> Method:
    def run(self: TaskSet) -> Any:
        journey: Journey | None = getattr(self.user, JOURNEY)
        if journey is not None:
            journey.ready()
        return original(self)

    return run


def _execute(original: Method) -> Method:
    def execute_next_task(self: TaskSet) -> None:
        journey: Journey | None = getattr(self._user, JOURNEY)
        if journey is None:
            original(self)
            return
        if journey.done:
            wait(self._user, Event())  # until the test stops; Locust replaces a user that ends while it ramps up
        journey.begin(getattr(self._task_queue[0], "chaos_steps", 0))
        pacing = getattr(self, _PACING, _UNKNOWN)
        if pacing is _UNKNOWN:
            pacing = _pacing(type(self), type(self._user))
            setattr(self, _PACING, pacing)
        if pacing is not None:
            journey.pace(pacing, time.time())
        try:
            original(self)
        finally:
            journey.finish()
        if journey.done:
            wait(self._user, Event())

    return execute_next_task


def wait(user: User, event: Event) -> None:
    """Let a user wait as Locust has it wait between tasks: a test that stops does not wait for it."""
    if user._state == LOCUST_STATE_STOPPING:  # as TaskSet.wait does it
        raise StopUser
    user._state = LOCUST_STATE_WAITING
    event.wait()
    if user._state == LOCUST_STATE_STOPPING:
        raise StopUser
    user._state = LOCUST_STATE_RUNNING


def _pacing(taskset: type[TaskSet], user: type[User]) -> float | None:
    """Seconds between iterations under `constant_pacing` and `constant_throughput`, None under other waits.

    They are closures: the figure is in the closure only.
    """
    wait_time: Any = user.wait_time if taskset.wait_time is TaskSet.wait_time else taskset.wait_time
    if getattr(wait_time, "__qualname__", "") == "constant_pacing.<locals>.wait_time_func":
        return float(wait_time.__closure__[0].cell_contents)
    return None
