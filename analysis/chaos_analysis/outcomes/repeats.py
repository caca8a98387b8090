"""Repetitions: the same call made again in its request after a fault met it, beyond what requests do without a fault.

The same is the same call identity; or, where values differ from attempt to attempt (a new id, a time), the same line
and dependency made more often than in any fault-free request of the endpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chaos_analysis.outcomes.codes import kinds

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence

_ENOUGH = 10  # fault-free requests before their largest number of calls says anything


def repeated(evidence: Evidence, dependencies: pd.Series[str], numbers: np.ndarray) -> pd.DataFrame:
    """For the events at these places of `tables.calls` (-1: none noted): `attempts`, how often the call was made again;
    `waits`, the seconds between the end of one and the start of the next; `recovered`, whether the last one went well.
    """
    calls = evidence.tables.calls
    attempts = np.zeros(len(numbers), dtype=np.int64)
    waits = np.full(len(numbers), None, dtype=object)
    recovered = np.zeros(len(numbers), dtype=bool)
    waits[:] = [()] * len(numbers)
    if len(calls) and (numbers >= 0).any():
        well = (calls["error"].isna() & ~(calls["status"] >= 500)).to_numpy()
        alike, _ = kinds([calls["target"], calls["seam"]])
        similar, _ = kinds([dependencies, calls["seam"], calls["file"], calls["line"]])
        for codes, usual in ((alike, "median"), (similar, "max")):
            groups = _Groups(evidence, codes, similar)
            again = groups.again(usual)[numbers]
            for event in np.flatnonzero((numbers >= 0) & (attempts == 0) & (again > 0)):
                order = groups.since(numbers[event])
                attempts[event] = again[event]
                waits[event] = _gaps(calls, order)
                recovered[event] = well[order[-1]]
    return pd.DataFrame({"attempts": attempts, "waits": pd.Series(waits, dtype=object), "recovered": recovered})


class _Groups:
    """The calls that are the same (`codes`) in one request, in the order in which they were made; `similar` tells whose
    numbers may be compared.
    """

    def __init__(self, evidence: Evidence, codes: np.ndarray, similar: np.ndarray) -> None:
        self._evidence = evidence
        calls = evidence.tables.calls
        self._similar = similar
        self._groups, _ = kinds([calls["key"], codes])
        self._order = np.lexsort((calls["started"].to_numpy(), self._groups))
        sizes = np.bincount(self._groups)
        self._starts = np.cumsum(sizes) - sizes
        self._sizes = sizes
        self._ranks = np.empty(len(codes), dtype=np.int64)
        self._ranks[self._order] = np.arange(len(codes)) - np.repeat(self._starts, sizes)

    def again(self, usual: str) -> np.ndarray:
        """For each call how often it was repeated after it, beyond the `usual` of fault-free requests."""
        sizes = self._sizes[self._groups]
        extra = np.minimum(sizes - self._usual(usual), sizes - 1 - self._ranks)
        return np.asarray(np.maximum(extra, 0), dtype=np.int64)

    def since(self, call: int) -> np.ndarray:
        """The call and those of its group after it."""
        group = self._groups[call]
        start = self._starts[group]
        whole: np.ndarray = self._order[start + self._ranks[call] : start + self._sizes[group]]
        return whole

    def _usual(self, how: str) -> np.ndarray:
        """For each call how many of its kind a fault-free request of the endpoint makes; 1 where none is known."""
        rows = self._evidence.tables.requests
        at = self._evidence.call_rows
        endpoints = pd.factorize(rows["endpoint"])[0][at] if len(rows) else at
        free = rows["control"].to_numpy()[at] & (at >= 0) if len(rows) else np.zeros(len(at), dtype=bool)
        alike, _ = kinds([endpoints, self._similar])
        first = free & (self._ranks == 0)
        known = pd.Series(self._sizes[self._groups[first]]).groupby(alike[first]).agg([how, "size"])
        if how == "max":
            known = known[known["size"] >= _ENOUGH]
            nothing = float(len(at))  # so many that nothing is a repetition
        else:
            nothing = 1.0
        return np.asarray(known[how].reindex(alike).fillna(nothing))


def _gaps(calls: pd.DataFrame, order: np.ndarray) -> tuple[float, ...]:
    started = calls["started"].to_numpy()[order]
    ended = started + calls["seconds"].to_numpy()[order]
    return tuple(float(gap) for gap in np.clip(started[1:] - ended[:-1], 0.0, None).round(6))
