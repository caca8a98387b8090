"""Do all fault events have an end?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Check

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence

_SHOWN = 5


def check(evidence: Evidence) -> Check:
    """An event without an end is unknown: its process ended while it acted, or it was still acting."""
    faults, notes = evidence.tables.faults, evidence.tables.notes
    if faults.empty:
        return Check("events", ok=None, summary="no fault event was recorded", fatal=False, details=notes)
    unknown = faults[faults["unknown"]]
    idle = sum(isinstance(m, dict) and m.get("did") == "unsupported" for m in faults["measured"])
    summary = f"{wording.count(len(unknown))} of {wording.plural(len(faults), 'fault event')} have no recorded end"
    if idle:
        summary += f"; {wording.count(idle)} could not act on this server"
    details = (*unknown["id"].head(_SHOWN).tolist(), *notes)
    return Check("events", ok=unknown.empty and not idle, summary=summary, fatal=False, details=details)
