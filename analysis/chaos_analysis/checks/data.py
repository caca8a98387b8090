"""Is there enough to say anything?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Check

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence

ENOUGH = 100


def check(evidence: Evidence) -> Check:
    """None at all makes the run invalid; fewer than 100 make every figure vague."""
    n = len(evidence.rows)
    gaps = evidence.tables.gaps
    if n == 0:
        return Check("data", ok=False, summary="no request was recorded", details=gaps)
    stages = evidence.rows["stage"].value_counts(sort=False)
    counts = ", ".join(f"{wording.count(count)} in {stage}" for stage, count in stages.items())
    summary = f"{wording.plural(n, 'request')}: {counts}"
    if n < ENOUGH:
        summary += f"; with fewer than {ENOUGH} every figure is vague"
    return Check("data", ok=n >= ENOUGH, summary=summary, fatal=False, details=gaps)
