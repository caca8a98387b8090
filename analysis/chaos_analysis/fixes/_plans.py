"""How often the calls of one patch are repeated, and with which timeouts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from chaos_analysis.fixes._fix import AlreadyThere, Spot
from chaos_analysis.fixes._layers import repeats, worst
from chaos_analysis.fixes.http_timeout import HttpTimeout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos_analysis.fixes._repeatable import Repeatable


class Plan(NamedTuple):
    """Calls that one patch is for, that of most failures first, repeated so often; `worst` in seconds, if known."""

    calls: list[Repeatable]
    often: int
    longest: float | None
    worst: float | None

    @property
    def spot(self) -> Spot | None:
        """The places, None where not even one repetition fits."""
        first, *others = (call.spot for call in self.calls)
        also = tuple(others)
        return replace(first, repeats=self.often, also=also, budget=self.worst or 0.0) if self.often else None

    def refused(self, deadline: float | None) -> str:
        """Why there is no patch."""
        return (
            f"two attempts of up to {self.longest or 0:g} s do not end within the {deadline or 0:g} s that the client "
            "waits: shorten the timeout first"
        )


def planned(calls: list[Repeatable], deadline: float | None, pauses: Sequence[float]) -> Plan:
    """As many repetitions as end before the client gives up."""
    ranked = sorted(calls, key=lambda call: -sum(each.failures for each in call.patterns))
    longest = max((call.attempt.longest for call in calls if call.attempt.longest is not None), default=None)
    often = repeats(longest, deadline, pauses)
    taken = worst(longest, often, pauses)
    return Plan(ranked, often, longest, deadline if taken is None else round(taken, 2))


def bounded(source: str, spot: Spot) -> tuple[str, Spot]:
    """The source with the timeouts that are to be set at all of the spot's calls, and where the first one is then."""
    line = spot.line
    for each in sorted((spot, *spot.also), key=lambda one: -one.line):
        if any(each.timeout):
            try:
                after = HttpTimeout().edit(source, each)
            except AlreadyThere:
                continue
            line += after.count("\n") - source.count("\n") if each.line < spot.line else 0
            source = after
    return source, replace(spot, line=line)


def told(call: Repeatable) -> str:
    """Where the figures of its timeout are from."""
    return f"For {call.site}: {call.attempt.told}"
