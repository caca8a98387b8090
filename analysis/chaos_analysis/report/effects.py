"""What was measured of the fixes, in the words of the report and of its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.report.markdown import Markdown, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.effect.values import Effect, Gate, Measured
    from chaos_analysis.model import Analysis, Proposal

_MEANS = {"outage": " (what failed once keeps failing)"}
_MORE_CALLS = 1.05
_LONGEST = 240  # of what a gate says: a test's output has no end


def line(effect: Effect) -> Markdown:
    """The verdict, why where the figures do not say it, the figures, and how many requests would settle it."""
    several = len(effect.measured) > 1
    figures = [f"{each.condition}: {_figures(each)}" if several else _figures(each) for each in effect.measured[:1]]
    need = [f"about {wording.plural(effect.need, 'request')} would settle it"] if effect.need else []
    said = "; ".join([*_unsaid(effect), *figures, *need])
    return Markdown(f"Measured **{effect.verdict}**: {text(said)}.")


def conditions(effect: Effect) -> Iterator[str]:
    """The other conditions that it was measured under, each in a line."""
    for each in effect.measured[1:]:
        said = [_counted(each), f"failures {wording.points(each.difference)}", *_sooner(each)]
        yield f"Under {each.condition}{_MEANS.get(each.condition, '')}: {'; '.join(said)}."


def gates(effect: Effect) -> str:
    """How many of the things hold that must hold of any change, and which do not or could not be asked."""
    asked = [(gate, "") for gate in effect.gates]
    asked += [
        (gate, f" under {each.condition}" if at else "")
        for at, each in enumerate(effect.measured)
        for gate in each.gates
    ]
    told = [_told(gate, where) for gate, where in asked if not gate.ok]
    held = sum(gate.ok is True for gate, _ in asked)
    return "; ".join([f"Gates: {held} of {len(asked)} hold", *told]) + "." if asked else ""


def short(effect: Effect) -> Markdown:
    """The verdict with the one figure that it rests on."""
    figure = (
        _needed(effect) if effect.verdict == "inconclusive" else _gain(effect) if effect.verdict == "improved" else ""
    )
    return Markdown(f"measured **{effect.verdict}**{text(f': {figure}') if figure else ''}")


def harmful(proposal: Proposal | None) -> bool:
    """Whether it was measured to do harm."""
    return proposal is not None and proposal.effect is not None and proposal.effect.verdict == "worse"


def together(analysis: Analysis) -> Markdown:
    """What patches do at once; "" where that was not measured."""
    measured = analysis.measured
    if measured is None or measured.together is None or measured.void:
        return Markdown("")
    return Markdown(f"**{wording.together(measured.numbers)}:** {line(measured.together)}")


def _figures(each: Measured) -> str:
    said = [_counted(each)]
    if each.difference.value is not None:
        before, after = (wording.estimate(share, interval=False) for share in (each.before, each.after))
        said.append(f"failures {before} → {after}, a difference of {wording.points(each.difference)}")
    said += _sooner(each)
    if each.calls.value is not None and each.calls.value > _MORE_CALLS:
        said.append(f"{wording.number(each.calls.value)} times as many calls by requests with a fault")
    return "; ".join(said)


def _counted(each: Measured) -> str:
    return f"{each.rescued} rescued, {each.broken} newly broken of {wording.plural(each.pairs, 'request')}"


def _sooner(each: Measured) -> list[str]:
    """How much longer it takes to get a useful answer, where that is known."""
    if each.useful.value is None:
        return []
    between = wording.bounds(each.useful)
    ratio = f"{wording.number(each.useful.value)} times as long to a useful answer"
    return [f"{ratio} ({between})" if between else ratio]


def _unsaid(effect: Effect) -> list[str]:
    """The parts of the reason that no figure in the same lines repeats; an improvement has no other reason."""
    if effect.measured and effect.verdict == "improved":
        return []
    said = " ".join(
        _figures(each) if not at else f"under {each.condition} {_figures(each)}"
        for at, each in enumerate(effect.measured)
    )
    return [_cut(part) for part in effect.reason.split("; ") if part and part not in said]


def _cut(said: str) -> str:
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"


def _told(gate: Gate, where: str) -> str:
    return f"{gate.name}{where} {'could not be asked' if gate.ok is None else 'failed'}: {_cut(gate.summary)}"


def _needed(effect: Effect) -> str:
    return f"need n = {wording.count(effect.need)}" if effect.need else ""


def _gain(effect: Effect) -> str:
    """What is better, and what that costs under another condition."""
    first = effect.measured[0]
    fewer = effect.saved and first.difference.high is not None and first.difference.high < 0
    gain = (
        [f"{wording.number(effect.saved or 0)} fewer failures of 1,000 replayed requests"] if fewer else _sooner(first)
    )
    return "; ".join([*gain, *(part for part in effect.reason.split("; ") if part.startswith("under "))])
