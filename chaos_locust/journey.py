"""Who sends a request: a user, its iterations, and the steps in each of them."""

from __future__ import annotations

import sys
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING

from chaos_locust.draws import Draws
from chaos_locust.facts import Fact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chaos_locust.deadline import Deadline
    from chaos_locust.plan import Plan
    from chaos_locust.recorder import Sent

current_draws: ContextVar[Draws | None] = ContextVar("chaos_draws", default=None)
current_journey: ContextVar[Journey | None] = ContextVar("chaos_journey", default=None)


class Journey:
    """One user's way through a test: hands out request keys and stages, counts, and knows when the quota is used.

    `number` counts the users of all processes. Before the first iteration (in `on_start`) `iteration` is -1, in the
    keys `start`. `done` says that the quota is used; `bound` is the stage it is in or waits to enter, for which `meet`
    blocks until it may. Asked for every request, this keeps ready what it can.
    """

    def __init__(
        self,
        user: str,
        number: int,
        plan: Plan,
        *,
        seed: int,
        stage: str,
        kind: str,
        deadline: Deadline,
        meet: Callable[[], None] | None = None,
        keep: Callable[[Fact], None] | None = None,
    ) -> None:
        self.user = user
        self.number = number
        self.iteration = -1
        self.stage = self.bound = stage
        self.deadline = deadline
        self.draws = Draws(f"{seed}:{user}")
        self._kind = kind
        self._meet = meet
        self._keep = keep
        self._key = ""
        self._plan = plan
        self._quota = plan.quota(number) if plan.requests else 0
        self.done = bool(plan.requests) and not self._quota
        self._consumed = self._labelled = self._declared = self._step = 0
        self._near = -1  # an iteration that ends before this much of the quota is used is in the same stage
        self._active = False
        self._where: int | str = "start"  # in the keys
        self._label: str | None = None
        self._labels: dict[str, int] = {}
        self._due: float | None = None
        self._slot: float | None = None

    @property
    def place(self) -> str:
        """The latest iteration, as keys begin: `3.17`, or `3.start` before the first one."""
        return f"{self.user}.{self._where}"

    def ready(self) -> None:
        """Restart randomness for the first iteration: what `on_start` drew must not shift it."""
        self.draws.restart(0)

    def begin(self, declared: int) -> None:
        """Start an iteration that will send `declared` requests (0: not known)."""
        if self._active:  # a task set within a task set: its tasks are iterations of their own
            self.finish()
        self._active = True
        self._where = self.iteration = self.iteration + 1
        self._declared = declared
        self._step = 0
        self._key = ""
        self._label = None
        if self._labelled:
            self._labelled = 0
            self._labels = {}
        if self._consumed + declared > self._near:
            self._look(declared or 1)

    def pace(self, pacing: float, now: float) -> None:
        """Note when this iteration was due, which its first request will tell.

        Locust's pacing keeps a fixed schedule, and begins a new one with an iteration that comes too late for it.
        """
        slot = now if self._slot is None else self._slot + pacing
        self._due, self._slot = min(slot, now), max(slot, now)

    def finish(self) -> None:
        """End an iteration: count it, and restart randomness for the wait, the choice and the task that follow."""
        if self._active:
            self._active = False
            if self._quota:
                self._consumed += self._declared or self._step + self._labelled
                self.done = self._consumed >= self._quota
            self.draws.restart(self.iteration + 1)

    def label(self, name: str) -> None:
        """Call the next request's step by this name."""
        self._label = name

    def note(self, name: str, values: Mapping[str, object]) -> None:
        """Keep a fact about the latest request of this iteration, or the first one where none was sent yet; raises
        TypeError where JSON does not know a value.
        """
        if self._keep is not None:
            self._keep(Fact(name, self._key or self._first(), self.stage, time.time(), values))

    def _first(self) -> str:
        return f"{self.place}.{self._label or 1}"

    def next(self) -> Sent:
        """The identity of the next request. A label that repeats gets `-2`, `-3`, …; labelled steps do not count."""
        label = self._label
        if label is None:
            self._step = step = self._step + 1
            key = f"{self.user}.{self._where}.{step}"
        else:
            self._label = None
            self._labelled += 1
            seen = self._labels[label] = self._labels.get(label, 0) + 1
            key = f"{self.user}.{self._where}.{label if seen == 1 else f'{label}-{seen}'}"
        self._key = key
        due = self._due
        if due is not None:
            self._due = None
        return key, self.stage, self._kind, due

    def _look(self, cost: int) -> None:
        """Enter the stage that an iteration of `cost` requests belongs to."""
        if self._plan.dealt:
            self.stage = self.bound = self._plan.turn(self.number, self.iteration)
            return
        if self._consumed >= self._quota:
            self._near = sys.maxsize
            return
        stage = self._plan.stage(self._plan.share(self.number, self._consumed, cost))
        self._near = int(self._plan.end(stage) * self._quota) - 2
        self._enter(stage)

    def _enter(self, stage: str) -> None:
        if stage != self.stage:
            self.bound = stage
            if self._meet is not None:
                self._meet()
                self._slot = None  # the wait was not the user's own: its schedule begins anew
            self.stage = stage
