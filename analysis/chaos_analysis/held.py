"""What the app's processes hold more after a run than before its first fault, as counted from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence

POOLED = 20  # more, for each process: what a connection pool or two keep anyhow once there was load
SHARE_OF_EVENTS = 0.25  # a leak grows with what leaks; a pool that has filled up does not


class Held(NamedTuple):
    """One thing held, all processes together: at most before the first fault, and last; `rose`: by how much it had
    risen before the first fault.
    """

    name: str
    before: int
    after: int
    rose: int = 0

    @property
    def grown(self) -> int:
        """How many more."""
        return self.after - self.before


def split(evidence: Evidence) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The counts before the first fault (at least the first of all), and the last; the latter empty where there are
    none.
    """
    held, faults = evidence.tables.resources, evidence.tables.faults
    last = held[held["when"] == "after"]
    calm = held[(held["when"] != "after") & (held["t"] < faults["started"].min())] if len(faults) else held
    return calm if len(calm) else held[held["t"] == held["t"].min()], last


def counts(calm: pd.DataFrame, last: pd.DataFrame) -> list[Held]:
    """Descriptors, threads, and the connections to each other end."""
    found = []
    for name in ("descriptors", "threads"):
        sums = calm.groupby("t")[name].sum()
        found.append(Held(name, int(sums.max()), int(last[name].sum()), int(sums.max() - sums.iloc[0])))
    before, after = _connections(calm), _connections(last)
    return found + [Held(f"connections to {end}", n := before.get(end, 0), m, n) for end, m in sorted(after.items())]


def pooled(last: pd.DataFrame) -> int:
    """How many more the processes may hold without a leak."""
    return POOLED * max(1, last["pid"].nunique())


def _connections(held: pd.DataFrame) -> dict[str, int]:
    """The most at one time, by address."""
    rows = [
        (t, end, n) for t, ends in zip(held["t"], held["connections"], strict=True) for end, n in (ends or {}).items()
    ]
    table = pd.DataFrame(rows, columns=["t", "end", "n"]).groupby(["end", "t"])["n"].sum()
    return {str(end): int(n) for end, n in table.groupby("end").max().items()}
