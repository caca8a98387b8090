"""Does the app hold more after the run than before its faults: descriptors, threads, connections to others?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from chaos_analysis import wording
from chaos_analysis.model import Check

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence

_POOLED = 20  # more, for each process: what a connection pool or two keep anyhow once there was load
_SHARE_OF_EVENTS = 0.25  # a leak grows with what leaks; a pool that has filled up does not
_MIB = 1 << 20


def check(evidence: Evidence) -> Check:
    """What was held last, against the most that was held before the first fault.

    Memory is shown and not judged: allocators keep what they had.
    """
    held = evidence.tables.resources
    last = held[held["when"] == "after"]
    if last.empty:
        return Check("resources", ok=None, summary="not counted: the app's processes are not ours", fatal=False)
    faults = evidence.tables.faults
    calm = held[(held["when"] != "after") & (held["t"] < faults["started"].min())] if len(faults) else held
    calm = calm if len(calm) else held[held["t"] == held["t"].min()]
    few = _POOLED * max(1, last["pid"].nunique())
    parts, grown = [], []
    for name, before, after in _counts(calm, last):
        parts.append(f"{name} {wording.count(before)} → {wording.count(after)}")
        if after - before > few and after - before > _SHARE_OF_EVENTS * len(faults):
            grown.append(name)
    memory = [round(float(table.groupby("t")["rss"].sum().max()) / _MIB) for table in (calm, last)]
    summary = f"{', '.join(parts)}, memory {wording.count(memory[0])} → {wording.count(memory[1])} MiB"
    if grown:
        summary += f": {' and '.join(grown)} grew with the faults and were not given back, which looks like a leak"
    return Check("resources", ok=not grown, summary=summary, fatal=False)


def _counts(calm: pd.DataFrame, last: pd.DataFrame) -> list[tuple[str, int, int]]:
    """Each count before and after, all processes together."""
    counts = [
        (name, int(calm.groupby("t")[name].sum().max()), int(last[name].sum())) for name in ("descriptors", "threads")
    ]
    before, after = _connections(calm), _connections(last)
    return counts + [(f"connections to {end}", before.get(end, 0), n) for end, n in sorted(after.items())]


def _connections(held: pd.DataFrame) -> dict[str, int]:
    """The most at one time, by address."""
    rows = [
        (t, end, n) for t, ends in zip(held["t"], held["connections"], strict=True) for end, n in (ends or {}).items()
    ]
    table = pd.DataFrame(rows, columns=["t", "end", "n"]).groupby(["end", "t"])["n"].sum()
    return {str(end): int(n) for end, n in table.groupby("end").max().items()}
