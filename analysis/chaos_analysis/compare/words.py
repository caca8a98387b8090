"""Figures of a comparison as people read them, in the terminal and on the page."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.effect.judging import LEAST_PAIRS
from chaos_analysis.effect.settling import is_clear

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.compare.model import Comparison, Group
    from chaos_analysis.model import Estimate


def headline(found: Comparison) -> str:
    """The finding in a sentence."""
    return f"{found.verdict}: {found.reason}"


def change(difference: Estimate, *, unit: bool = True) -> str:
    """A difference of rates in percentage points: `-3.1 points (-4.0 to -2.2)`; `-` where there is none."""
    if difference.value is None:
        return wording.ABSENT
    text = _points(difference.value) + (" points" if unit else "")
    if difference.low is None or difference.high is None:
        return text
    return f"{text} ({_points(difference.low)} to {_points(difference.high)})"


def needed(group: Group) -> str:
    """The verdict, with what would settle it: `inconclusive, need 1,200 pairs`."""
    if group.need is None:
        return group.verdict
    what = "requests a side" if group.rescued is None else "pairs"
    return f"{group.verdict}, need {wording.count(group.need)} {what}"


def unsettled(groups: Iterable[Group]) -> str:
    """Why groups of enough requests are inconclusive whose interval is clear of 0; "" where there are none."""
    told = [f"{group.name} ({group.reason})" for group in groups if is_unsettled(group)]
    return f"Inconclusive, though the interval is clear of 0: {', '.join(told)}." if told else ""


def is_unsettled(group: Group) -> bool:
    """Whether enough requests are inconclusive, though their interval is clear of 0."""
    enough = min(group.requests) >= LEAST_PAIRS
    return group.verdict == "inconclusive" and enough and is_clear(group.difference, 0.0)


def discordant(group: Group) -> str:
    """`12 / 3`: rescued and newly broken; "" where nothing is paired."""
    return "" if group.rescued is None else f"{wording.count(group.rescued)} / {wording.count(group.broken or 0)}"


def time(useful: Estimate) -> str:
    """How many times as long a useful answer takes, where enough requests of each turn tell."""
    if useful.value is None:
        return "too few" if useful.need else ""
    return f"x {wording.estimate(useful)}"


def states(found: Comparison) -> str:
    """How many patterns came to what: `1 appeared, 2 disappeared, 5 stayed`."""
    told = Counter(each.state for each in found.patterns)
    return ", ".join(f"{n} {state}" for state, n in told.items())


def unlike(found: Comparison) -> str:
    """What patterns that are gone do not say, where the requests fail as they did; "" elsewhere."""
    gone = any(each.state == "disappeared" for each in found.patterns)
    if not gone or found.verdict in {"improved", "worse"}:
        return ""
    return "What disappeared may fail in another way now, by another answer: the figures above say how many fail."


def ordered(found: Comparison) -> tuple[Group, ...]:
    """All requests first, then what changed, the largest difference first, then the rest."""
    calm = ("no difference", "inconclusive")
    return tuple(
        sorted(found.groups, key=lambda each: (each.kind != "all", each.kind, each.verdict in calm, _size(each)))
    )


def _size(group: Group) -> float:
    return -abs(group.difference.value or 0.0)


def _points(share: float) -> str:
    text = f"{100 * share:+.1f}"
    return "0.0" if text in {"+0.0", "-0.0"} else text
