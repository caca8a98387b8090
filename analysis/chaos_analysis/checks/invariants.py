"""Could everything be checked that the load's users say must be true?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Check

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence


def check(evidence: Evidence) -> Check:
    """Violations are findings; here an invariant that nobody could check is told from one that holds."""
    stated = evidence.tables.invariants
    if not stated:
        return Check("invariants", ok=None, summary="the users state none", fatal=False)
    unknown = [each for each in stated if not each.checked]
    violated = sum(1 for each in stated if each.violations)
    held = sum(1 for each in stated if each.checked and not each.violations)
    figures = [f"{wording.count(held)} of {wording.plural(len(stated), 'invariant')} held"]
    figures += [f"{wording.count(violated)} violated"] if violated else []
    figures += [f"{wording.count(len(unknown))} could not be checked"] if unknown else []
    facts = f"against {wording.plural(stated[0].facts, 'fact')} that the users noted"
    details = tuple(f"{each.name}: could not be checked: {each.error}" for each in unknown)
    return Check("invariants", ok=not unknown, summary=f"{', '.join(figures)}, {facts}", fatal=False, details=details)
