"""What to look at first, once it is known what the fixes do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.patterns import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chaos_analysis.model import Pattern, Proposal


def fix_of(pattern: Pattern, proposals: Iterable[Proposal]) -> Proposal | None:
    """The first proposal that was made for a pattern."""
    return next((proposal for proposal in proposals if pattern.id in proposal.patterns), None)


def fixes_of(whole: Pattern, parts: Sequence[Pattern], proposals: Iterable[Proposal]) -> tuple[Proposal, ...]:
    """The proposals for a pattern and for its parts: first that for the most severe, which of a part and the whole is
    the part, for the whole is no less severe than it; what was measured to do harm comes last.
    """
    severe = {whole.id: (SEVERITIES.index(whole.severity), False)}
    severe |= {part.id: (SEVERITIES.index(part.severity), True) for part in parts}
    found = [(proposal, [severe[name] for name in proposal.patterns if name in severe]) for proposal in proposals]
    told = sorted(((proposal, max(of)) for proposal, of in found if of), key=lambda pair: pair[1], reverse=True)
    return tuple(proposal for proposal, _ in sorted(told, key=lambda pair: _harms(pair[0])))


def _harms(proposal: Proposal) -> bool:
    return proposal.effect is not None and proposal.effect.verdict == "worse"


def by_savings(patterns: Sequence[Pattern], proposals: Sequence[Proposal]) -> tuple[Pattern, ...]:
    """Patterns whose fix was measured change places among themselves: the one first whose fix takes away most failures.

    All others keep theirs, and so do violated invariants and what the app cannot change. Parts stay behind their whole.
    """
    wholes = [pattern for pattern in patterns if pattern.part_of is None]
    fixes = {whole.id: fix_of(whole, proposals) for whole in wholes}
    places = [at for at, whole in enumerate(wholes) if _moves(whole, fixes[whole.id])]
    chosen = sorted((wholes[at] for at in places), key=lambda whole: _gain(fixes[whole.id]))
    for at, whole in zip(places, chosen, strict=True):
        wholes[at] = whole
    return tuple(each for whole in wholes for each in (whole, *(one for one in patterns if one.part_of == whole.id)))


def _moves(pattern: Pattern, fix: Proposal | None) -> bool:
    measured = fix is not None and fix.effect is not None
    return measured and pattern.finder != "invariant_violated" and pattern.severity != "low"


def _gain(fix: Proposal | None) -> tuple[bool, float]:
    """What is shown to help comes first, by the failures of a thousand requests that it takes away."""
    if fix is None or fix.effect is None or fix.effect.verdict != "improved":
        return True, 0.0
    return False, -(fix.effect.saved or 0.0)
