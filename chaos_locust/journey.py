"""Who sends a request: a user, its iterations, and the steps in each of them."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from chaos_locust.draws import Draws

if TYPE_CHECKING:
    from chaos_locust.plan import Plan

current_draws: ContextVar[Draws | None] = ContextVar("chaos_draws", default=None)
current_journey: ContextVar[Journey | None] = ContextVar("chaos_journey", default=None)


class Journey:
    """One user's way through a test: hands out request keys and stages, counts, and knows when the quota is used.

    Before the first iteration (in `on_start`) the iteration is called `start`.
    """

    def __init__(self, user: str, number: int, plan: Plan, *, seed: int, stage: str) -> None:
        self.user = user
        self.iteration = "start"
        self.stage = stage
        self.draws = Draws()
        self.done = bool(plan.requests) and plan.quota(number) == 0
        self.number = number
        self._plan = plan
        self._seed = seed
        self._count = 0
        self._consumed = 0
        self._sent = 0
        self._declared = 0
        self._active = False
        self._step = 0
        self._label: str | None = None
        self._labels: dict[str, int] = {}
        self._due: float | None = None
        self._slot: float | None = None
        self._restart("start")

    def ready(self) -> None:
        """Restart randomness for the first iteration: what `on_start` drew must not shift it."""
        self._restart("0")

    def begin(self, *, declared: int, pacing: float | None, now: float) -> None:
        """Start an iteration that will send `declared` requests (0: not known), due by its pacing or now."""
        if self._active:  # a task set within a task set: its tasks are iterations of their own
            self.finish()
        self._active = True
        self.iteration = str(self._count)
        self._count += 1
        self._sent, self._step, self._declared = 0, 0, declared
        self._label = None
        if self._labels:
            self._labels = {}
        self._due = self._slot_for(pacing, now)
        if self._plan.requests and not self.done:
            self.stage = self._plan.stage(self._plan.share(self.number, self._consumed, declared or 1))

    def finish(self) -> None:
        """End an iteration: count it, and restart randomness for the wait, the choice and the task that follow."""
        if self._active:
            self._active = False
            self._consumed += self._declared or self._sent
            self.done = bool(self._plan.requests) and self._consumed >= self._plan.quota(self.number)
            self._restart(str(self._count))

    def label(self, name: str) -> None:
        """Call the next request's step by this name."""
        self._label = name

    def next_key(self) -> str:
        """The key of the next request. A label that repeats gets `-2`, `-3`, …; labelled steps do not count."""
        self._sent += 1
        label = self._label
        if label is None:
            self._step += 1
            return f"{self.user}.{self.iteration}.{self._step}"
        self._label = None
        seen = self._labels[label] = self._labels.get(label, 0) + 1
        return f"{self.user}.{self.iteration}.{label if seen == 1 else f'{label}-{seen}'}"

    def take_due(self) -> float | None:
        """When the iteration's first request was due; None for the others, which are due when they are sent."""
        due, self._due = self._due, None
        return due

    def _slot_for(self, pacing: float | None, now: float) -> float:
        """When this iteration was due.

        Locust's pacing keeps a fixed schedule, and begins a new one with an iteration that comes too late for it.
        """
        due = now if pacing is None or self._slot is None else min(self._slot + pacing, now)
        self._slot = now if pacing is None or self._slot is None else max(self._slot + pacing, now)
        return due

    def _restart(self, iteration: str) -> None:
        self.draws.restart(f"{self._seed}:{self.user}:{iteration}")
