"""What to look at first, once it is known what the fixes do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chaos_analysis.model import Pattern, Proposal


def fix_of(pattern: Pattern, proposals: Iterable[Proposal]) -> Proposal | None:
    """The first proposal that was made for a pattern."""
    return next((proposal for proposal in proposals if pattern.id in proposal.patterns), None)


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
