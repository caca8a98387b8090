"""Did other programs slow the machine down in some stages more than in others?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Check
from chaos_analysis.neighbours import crowded

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence


def check(evidence: Evidence) -> Check:
    """Requests of one stage share their neighbours; those of two stages are compared by time only where they do."""
    taken = evidence.neighbours
    if not taken:
        return Check("neighbours", ok=None, summary="not counted", fatal=False)
    why = crowded(evidence, taken)
    if why:
        summary = f"{why}, so slower answers there are not blamed on the service"
        return Check("neighbours", ok=False, summary=summary, fatal=False)
    shares = [one.others for one in taken.values()]
    least, most = wording.percent(min(shares)), wording.percent(max(shares))
    of = least if least == most else f"{least} to {most}"
    return Check("neighbours", ok=True, summary=f"other programs took {of} of the machine", fatal=False)
