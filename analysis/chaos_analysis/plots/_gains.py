"""The sentence above the picture of effects: what the best patch does, only where the data support it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording

if TYPE_CHECKING:
    from chaos_analysis.effect.values import Effect
    from chaos_analysis.model import Analysis, Estimate


def finding(analysis: Analysis) -> str:
    """What the best does; several at once where that was measured."""
    told = [(f"Fix {one.number}", one.effect) for one in analysis.proposals if one.effect and one.effect.measured]
    measured = analysis.measured
    told += [(f"Patch {name}", each) for name, each in (measured.own if measured else {}).items() if each.measured]
    better = [(name, effect) for name, effect in told if effect.verdict == "improved"]
    if measured and measured.void:
        return "The last measurement is void: what it saw of these requests is noise"
    several = together(analysis)
    if measured and several and several.verdict == "improved":
        return _does(
            wording.together(measured.numbers), several, f"take{'s' * (len(measured.numbers) == 1)} away failures"
        )
    if better:
        takes = "takes away most failures" if len(better) > 1 else "takes away failures"
        return _does(*max(better, key=lambda each: each[1].saved or 0.0), takes)
    if elsewhere := [(name, gain) for name, effect in told for gain in effect.gains]:
        name, gain = min(elsewhere, key=lambda each: each[1].difference.value or 0.0)
        fewer = wording.number(round(1000 * (gain.difference.value or 0.0)))
        does = f"{name} takes away failures under {gain.condition}: {fewer} of 1,000 replayed requests"
        return f"{does}; none does {told[0][1].measured[0].condition}"
    worse = sum(effect.verdict == "worse" for _, effect in told)
    harm = f"; {worse} of {len(told)} {'does' if worse == 1 else 'do'} harm" if worse else ""
    return f"No fix is shown to take away failures{harm}"


def together(analysis: Analysis) -> Effect | None:
    """What several do at once, where that was measured; not of a single one whose own effect is known."""
    measured = analysis.measured
    if measured is None or measured.void:
        return None
    alone = [one.number for one in analysis.proposals if one.effect and one.effect.measured]
    return None if len(measured.numbers) == 1 and measured.numbers[0] in alone else measured.together


def _does(name: str, effect: Effect, takes: str) -> str:
    first = effect.measured[0]
    if side(first.difference) < 0 and effect.saved:
        return f"{name} {takes}: {wording.number(-round(effect.saved))} of 1,000 replayed requests"
    return f"With {name}, it takes {wording.number(first.useful.value or 1)} times as long to a useful answer"


def side(difference: Estimate) -> int:
    """Below 0 where there are fewer failures, above where there are more; 0 where the interval has both."""
    if difference.low is None or difference.high is None or difference.low <= 0 <= difference.high:
        return 0
    return 1 if difference.low > 0 else -1
