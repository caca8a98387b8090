"""How often requests of each endpoint end in each way, without a fault and with one rule's alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chaos_analysis.outcomes.codes import kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from chaos_analysis.evidence import Evidence


class End(NamedTuple):
    """How a request ended for the client. `error_class` is "" for a success."""

    endpoint: str
    status: int
    error_class: str

    @property
    def ok(self) -> bool:
        """The client took it for right."""
        return not self.error_class


class Usual:
    """Counts of ends: `n` requests and `like` of them with this very end, without a fault or with one rule's alone.

    The fault-free requests of `also` count, too.
    """

    def __init__(self, evidence: Evidence, also: Sequence[Evidence] = ()) -> None:
        self._ends: dict[tuple[str, End], int] = {}
        self._requests: dict[tuple[str, str], int] = {}
        self._statuses: dict[str, frozenset[int]] = {}
        self.successes: dict[str, int] = {}  # by endpoint, without a fault
        self._count(evidence.tables.requests)
        for each in also:
            self._count(each.tables.requests[each.tables.requests["control"]])

    def _count(self, rows: pd.DataFrame) -> None:
        names = ("rule", "endpoint", "status", "error_class")
        numbers, firsts = kinds([rows[name] for name in names])
        counts = np.bincount(numbers, minlength=len(firsts))
        ends = zip(*(rows[name].iloc[firsts].tolist() for name in names), counts.tolist(), strict=True)
        for rule, endpoint, status, error, count in ends:
            end = End(str(endpoint), int(status), error if isinstance(error, str) else "")
            self._ends[rule, end] = self._ends.get((rule, end), 0) + count
            self._requests[rule, end.endpoint] = self._requests.get((rule, end.endpoint), 0) + count
            if not rule and end.ok:
                self._statuses[end.endpoint] = self.statuses(end.endpoint) | {end.status}
                self.successes[end.endpoint] = self.successes.get(end.endpoint, 0) + count

    def n(self, endpoint: str, rule: str = "") -> int:
        """Requests of an endpoint with this rule's fault alone; without a fault."""
        return self._requests.get((rule, endpoint), 0)

    def like(self, end: End, rule: str = "") -> int:
        """Those of them that ended so."""
        return self._ends.get((rule, end), 0)

    def statuses(self, endpoint: str) -> frozenset[int]:
        """The statuses of the answers without a fault that the client took for right."""
        return self._statuses.get(endpoint, frozenset())

    def excess(self, end: End, rule: str) -> float:
        """The share of the requests that ended so with this rule's fault alone that would not have without."""
        n, hits = self.n(end.endpoint, rule), self.like(end, rule)
        free = self.n(end.endpoint)
        if not hits or not free:
            return 0.0
        return max(0.0, 1.0 - (self.like(end) / free) / (hits / n))
