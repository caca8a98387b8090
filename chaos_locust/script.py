"""A script: the iterations of an earlier test that are sent again, in blocks, with the stages they had.

    {"version": 1, "users": {"0": [[0, "baseline", 0], [7, "chaos", 1]], "1": …}}

Each user has its iterations in order, as number, stage and block. An iteration that is left out shifts nothing: its
randomness restarts from its number.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from chaos_locust.journey import Journey
from chaos_locust.plan import PlanError
from chaos_middleware.headers import VALID_STAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


class Turn(NamedTuple):
    """One iteration of one user."""

    iteration: int
    stage: str
    block: int


@dataclass(frozen=True)
class Script:
    """What each user does, by its name in the keys."""

    turns: Mapping[str, tuple[Turn, ...]]

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages, in the order in which the blocks come to them."""
        ordered = sorted((turn.block, turn.iteration, turn.stage) for turns in self.turns.values() for turn in turns)
        return tuple(dict.fromkeys(stage for _, _, stage in ordered))

    @property
    def blocks(self) -> int:
        """How many blocks there are, the first one being 0."""
        return 1 + max(turn.block for turns in self.turns.values() for turn in turns)


def read(file: Path) -> Script:
    """The script in a file; raises PlanError."""
    try:
        value = json.loads(file.read_bytes())
        turns = {str(user): tuple(map(_turn, listed)) for user, listed in value["users"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise PlanError(f"--chaos-script {file}: not a script: {error!r}") from None
    for user, listed in turns.items():
        places = [(turn.block, turn.iteration) for turn in listed]
        if places != sorted(set(places)) or [i for _, i in places] != sorted(i for _, i in places):
            raise PlanError(f"--chaos-script {file}: the iterations of user {user} must be in order, each once")
    if not any(turns.values()):
        raise PlanError(f"--chaos-script {file}: it names no iteration")
    return Script(turns)


def _turn(listed: Any) -> Turn:
    iteration, stage, block = listed
    turn = Turn(int(iteration), str(stage), int(block))
    if turn.iteration < 0 or turn.block < 0 or not VALID_STAGE.match(turn.stage):
        raise ValueError(f"{listed} is not [iteration, stage, block]")
    return turn


class ScriptedJourney(Journey):
    """A user's way through a script. `block` is the one it is in or waits to enter, for which `meet` blocks."""

    def __init__(self, *args: Any, turns: tuple[Turn, ...], meet: Callable[[], None], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.block = 0
        self._awaited = -1
        self._turns = turns
        self._at = 0
        self._wait = meet
        self.done = not turns

    def ready(self) -> None:
        """Restart randomness for the first iteration."""
        self.draws.restart(self._turns[0].iteration if self._turns else 0)

    def begin(self, declared: int) -> None:
        """Start the next iteration of the script, when its block may begin."""
        if self._active:  # a task set within a task set: its tasks are iterations of their own
            self.finish()
        turn = self._turns[min(self._at, len(self._turns) - 1)]
        if turn.block != self._awaited:
            self.block = self._awaited = turn.block
            self._wait()
            self._slot = None  # the wait was not the user's own: its schedule begins anew
        self.stage = self.bound = turn.stage
        self.iteration = turn.iteration - 1
        super().begin(declared)

    def finish(self) -> None:
        """End an iteration, and restart randomness for the wait, the choice and the task of the next."""
        if self._active:
            super().finish()
            self._at += 1
            self.done = self._at >= len(self._turns)
            if not self.done:
                self.draws.restart(self._turns[self._at].iteration)

    def _look(self, cost: int) -> None:
        """The stage is the script's."""
