"""What a test is to send: its stages, and each user's share of a number of requests.

By time, stages follow each other in seconds from the start. By requests, every user has a quota, and the stage of an
iteration follows from how much of that quota the user has used: no clock is read, so the same seed plans the same
requests each time.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from chaos_middleware.headers import DEFAULT_STAGE, VALID_STAGE

if TYPE_CHECKING:
    from chaos_locust.script import Script

DEFAULT_STAGES = "baseline=20%,chaos=70%,recovery=10%"
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_STAGE = re.compile(r"(?P<name>.+)=(?P<amount>\d+(\.\d+)?)(?P<unit>[%smh])")


class PlanError(ValueError):
    """The options ask for something that cannot be planned; the message says what and why."""


@dataclass(frozen=True)
class Plan:
    """Stages in order, `ends` being where each one ends: seconds since the start, or shares of the requests.

    `requests` is 0 for a plan by time. `users` is how many share the requests. `dealt`: the stages do not follow each
    other, iterations get them in turn. `script`: users do what it says, whatever the rest.
    """

    names: tuple[str, ...]
    ends: tuple[float, ...]
    requests: int
    users: int
    dealt: bool = False
    script: Script | None = None

    def stage(self, position: float) -> str:
        """The stage at a position (seconds or share); the last one has no end."""
        return self.names[min(bisect_right(self.ends, position), len(self.names) - 1)]

    def turn(self, number: int, iteration: int) -> str:
        """The stage that is dealt to an iteration of the user of this number."""
        return self.names[(number + iteration * self.users) % len(self.names)]

    def end(self, stage: str) -> float:
        """The share of the requests at which a stage ends."""
        return self.ends[self.names.index(stage)] if stage != self.names[-1] else 1.0

    def quota(self, number: int) -> int:
        """How many of the requests fall to the user of this number; nothing to one beyond the planned users."""
        if number >= self.users:
            return 0
        return self.requests // self.users + (number < self.requests % self.users)

    def share(self, number: int, consumed: int, cost: int) -> float:
        """How far a user is when it starts an iteration of `cost` requests.

        Users are set off against each other by a fraction of an iteration. Otherwise all of them would change the
        stage after the same iteration, and long iterations would distort the stages' shares.
        """
        return (consumed + cost * (number + 0.5) / self.users) / self.quota(number)


def make_plan(stages: str, *, requests: int, run_time: float, users: int, deal: bool = False) -> Plan:
    """Plan a test. `run_time` is 0 where none is set; raises `PlanError`."""
    if deal and not requests:
        raise PlanError(
            "--chaos-deal goes with --chaos-requests: iterations that take long would have more of the time"
        )
    if requests < 0:
        raise PlanError(f"--chaos-requests {requests}: it must be 0 (no limit) or more")
    if not stages and not requests and not run_time:
        return Plan((DEFAULT_STAGE,), (float("inf"),), 0, users)
    names, amounts, in_percent = _parse(stages or DEFAULT_STAGES)
    if requests:
        if not in_percent:
            raise PlanError(
                "--chaos-requests cannot be kept by stages in seconds: give shares, e.g. baseline=20%,chaos=80%"
            )
        return Plan(names, tuple(accumulate(amount / 100 for amount in amounts)), requests, max(users, 1), deal)
    if in_percent:
        if not run_time:
            raise PlanError("--chaos-stages in percent need --chaos-requests or --run-time, to be shares of")
        amounts = tuple(amount / 100 * run_time for amount in amounts)
    return Plan(names, tuple(accumulate(amounts)), 0, users)


def scripted(script: Script, users: int) -> Plan:
    """The plan of a script; its stages have no lengths."""
    names = script.stages
    iterations = sum(map(len, script.turns.values()))
    return Plan(names, tuple(n / len(names) for n in range(1, len(names) + 1)), iterations, users, script=script)


def _parse(text: str) -> tuple[tuple[str, ...], tuple[float, ...], bool]:
    """Names, amounts (percent or seconds), and whether these are percent."""
    found = [_STAGE.fullmatch(part.strip()) for part in text.split(",")]
    stages = [(match["name"], float(match["amount"]), match["unit"]) for match in found if match]
    names = tuple(name for name, _, _ in stages)
    if len(stages) != len(found) or not all(VALID_STAGE.match(name) for name in names):
        raise PlanError(
            f"--chaos-stages {text!r}: write name=5s,name=25s or name=20%,name=80%; names of A-Z a-z 0-9 _ % . -"
        )
    if len(set(names)) != len(names):
        raise PlanError(f"--chaos-stages {text!r}: each name may stand there once")
    percent = {unit == "%" for _, _, unit in stages}
    if len(percent) > 1:
        raise PlanError(f"--chaos-stages {text!r}: give all of them in percent or none")
    if percent == {False}:
        return names, tuple(amount * _SECONDS[unit] for _, amount, unit in stages), False
    if abs(sum(amount for _, amount, _ in stages) - 100) > 0.01:
        raise PlanError(f"--chaos-stages {text!r}: the shares must sum to 100%")
    return names, tuple(amount for _, amount, _ in stages), True
