"""Did the run end as it should, or did the app, Locust or the command fall over?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.model import Check

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence


def check(evidence: Evidence) -> Check:
    """What was measured up to a crash may be looked at, but is no run of this experiment."""
    ended_by = evidence.run.get("ended_by")
    reason = str(evidence.run.get("reason") or ended_by or "run.json does not say how it ended").rstrip(".")
    if ended_by == "crashed":
        return Check("ended", ok=False, summary=reason)
    return Check("ended", ok=True if ended_by else None, summary=reason, fatal=False)
