"""Does the app hold more after the run than before its faults: descriptors, threads, connections to others?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import held, wording
from chaos_analysis.model import Check

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence

_MIB = 1 << 20


def check(evidence: Evidence) -> Check:
    """What was held last, against the most that was held before the first fault.

    Memory is shown and not judged: allocators keep what they had.
    """
    calm, last = held.split(evidence)
    if last.empty:
        return Check("resources", ok=None, summary="not counted: the app's processes are not ours", fatal=False)
    few, events = held.pooled(last), len(evidence.tables.faults)
    counts = held.counts(calm, last)
    parts = [f"{one.name} {wording.count(one.before)} → {wording.count(one.after)}" for one in counts]
    grown = [one.name for one in counts if one.grown > few and one.grown > held.SHARE_OF_EVENTS * events]
    memory = [round(float(table.groupby("t")["rss"].sum().max()) / _MIB) for table in (calm, last)]
    summary = f"{', '.join(parts)}, memory {wording.count(memory[0])} → {wording.count(memory[1])} MiB"
    if grown:
        summary += f": {' and '.join(grown)} grew with the faults and were not given back, which looks like a leak"
    return Check("resources", ok=not grown, summary=summary, fatal=False)
