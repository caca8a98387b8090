"""How often the calls of one patch are repeated, with which timeouts, and how a proposal says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from chaos_analysis.fixes._evidence import summaries, wholes
from chaos_analysis.fixes._fix import AlreadyThere, Spot
from chaos_analysis.fixes._layers import STAMINA, repeats, worst
from chaos_analysis.fixes.http_timeout import HttpTimeout
from chaos_analysis.wording import count, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos_analysis.fixes._repeatable import Repeatable
    from chaos_analysis.model import Pattern

_AFTER = {"truncated_body": "bodies cut short", "http_error": "502/503/504"}


class Plan(NamedTuple):
    """Calls that one patch is for, that of most failures first, repeated so often after these pauses.

    `longest`, an attempt, `worst`, all of them, and `pauses` are in seconds, the first two None where nobody knows.
    """

    calls: list[Repeatable]
    often: int
    longest: float | None
    worst: float | None
    pauses: Sequence[float]

    @property
    def patterns(self) -> list[Pattern]:
        """Those of all its calls."""
        return [pattern for call in self.calls for pattern in call.patterns]

    @property
    def failures(self) -> int:
        """How many failures are due to faults that the repetitions get past."""
        return sum(call.failures for call in self.calls)

    @property
    def spot(self) -> Spot | None:
        """The places, None where not even one repetition fits."""
        first, *others = (call.spot for call in self.calls)
        also = tuple(others)
        return replace(first, repeats=self.often, also=also, budget=self.worst or 0.0) if self.often else None

    @property
    def covered(self) -> frozenset[str]:
        """The faults after which its calls are made again."""
        return self.calls[0].covered

    def refused(self, deadline: float | None) -> str:
        """Why there is no patch."""
        return (
            f"two attempts of up to {self.longest or 0:g} s do not end within the {deadline or 0:g} s that the client "
            "waits: shorten the timeout first"
        )


def planned(calls: list[Repeatable], deadline: float | None, pauses: Sequence[float]) -> Plan:
    """As many repetitions as end before the client gives up."""
    ranked = sorted(calls, key=lambda call: -call.failures)
    longest = max((call.attempt.longest for call in calls if call.attempt.longest is not None), default=None)
    often = repeats(longest, deadline, pauses)
    taken = worst(longest, often, pauses)
    return Plan(ranked, often, longest, deadline if taken is None else round(taken, 2), pauses)


def bounded(source: str, spot: Spot) -> tuple[str, Spot]:
    """The source with the timeouts that are to be set at all of the spot's calls, and the spot where they are then."""
    lines = {each.line: each.line for each in (spot, *spot.also)}
    for each in sorted((spot, *spot.also), key=lambda one: -one.line):
        if any(each.timeout):
            try:
                after = HttpTimeout().edit(source, each)
            except AlreadyThere:
                continue
            more = after.count("\n") - source.count("\n")
            lines |= {old: new + more for old, new in lines.items() if old > each.line}
            source = after
    also = tuple(replace(each, line=lines[each.line]) for each in spot.also)
    return source, replace(spot, line=lines[spot.line], also=also)


def repetitions(plan: Plan) -> str:
    """What the patch does."""
    first = "0.1-0.2 s" if plan.pauses == STAMINA else "no pause"
    pauses = f"once, after {first}," if plan.often == 1 else f"at most twice, after {first} and then 0.2-0.3 s,"
    bounds = {call.attempt.timeout for call in plan.calls if call.attempt.timeout}
    timeouts = " and ".join(f"({connect:g}, {read:g})" for connect, read in sorted(bounds))
    set_too = (
        f" Each attempt gets the timeout that it lacks, {timeouts} s for connecting and reading." if bounds else ""
    )
    *others, last = ["resets", "timeouts", *(words for fault, words in _AFTER.items() if fault in plan.covered)]
    return f"Repeat the call {pauses} on {', '.join(others)} and {last}.{set_too}"


def reasons(plan: Plan) -> str:
    """What the run showed of its calls, how much of it the patch is for, and where their timeouts are from."""
    every = sum(pattern.failures for call in plan.calls for pattern in wholes(call.patterns))
    part = f"A repetition can get past the faults of {count(plan.failures)} of these {plural(every, 'failure')}."
    timeouts = [told(call) for call in plan.calls if call.attempt.timeout]
    return " ".join([summaries(plan.patterns), *([part] if plan.failures < every else []), *timeouts])


def limits(plan: Plan) -> str:
    """What the repetitions cost whoever waits for them, and what they do not help."""
    hanging = any(call.unbounded and call.attempt.timeout is None for call in plan.calls)
    first = "The call has no timeout: bound it first, or every repetition can hang. " if hanging else ""
    taken = f"three times the timeout plus {sum(plan.pauses):g} s" if plan.longest is None else f"{plan.worst or 0:g} s"
    bodies = "garbled" if "truncated_body" in plan.covered else "cut short or garbled"
    return (
        f"{first}The worst wait is {taken}: keep it inside the caller's budget, and retry at one layer only. It does "
        f"not help an outage that lasts longer, nor a body that is {bodies}."
    )


def told(call: Repeatable) -> str:
    """Where the figures of its timeout are from."""
    return f"For {call.site}: {call.attempt.told}"
