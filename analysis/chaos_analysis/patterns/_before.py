"""What answers to reads held before the first fault, and what later ones lack of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from chaos_analysis.outcomes.content import ENOUGH, answers, first_fault, structures, with_contents
from chaos_analysis.outcomes.shapes import Usually, beside, loses, usually

if TYPE_CHECKING:
    import pandas as pd

    from chaos_analysis.evidence import Evidence

_Name = tuple[str, int] | tuple[str, int, str]  # an endpoint with a status, and an address of it


class Before:
    """The right answers to GETs that met no fault and came before the first one, by endpoint and by address.

    An answer is held against those to its own address where there were two or more, else against all of its endpoint
    and status where there were 20. Only what all of them had can be lacking.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.rows = _reads(evidence.tables.requests)
        self.ended = first_fault(evidence)
        self._structures = structures(evidence.tables.shapes)
        self._shapes: defaultdict[_Name, Counter[str]] = defaultdict(Counter)
        self._known: dict[tuple[str, frozenset[str]], str | None] = {}
        for one in answers(self.rows[self.rows["control"] & (self.rows["started"] < self.ended)]):
            self._shapes[one.endpoint, one.status][one.shape] += 1
            self._shapes[one.endpoint, one.status, one.path][one.shape] += 1
        self._of = {name: frozenset(shapes) for name, shapes in self._shapes.items()}

    def lacking(self, rows: pd.DataFrame) -> list[str | None]:
        """What each of these answers lacks, in words: "" where it is nothing, None where nobody can tell."""
        return [self._lacks((one.endpoint, one.status), one.path, one.shape) for one in answers(rows)]

    def marked(self, rows: pd.DataFrame) -> bool:
        """Whether any of these answers says itself that it is less."""
        shapes = {(one.endpoint, one.status, one.shape) for one in answers(rows)}
        return any(
            loses(self._structures[shape], self._usual(self._of[endpoint, status])._replace(all=frozenset()))
            for endpoint, status, shape in shapes
        )

    def odd(self, endpoint: str) -> tuple[int, int]:
        """How many answers of the endpoint lacked, alone, what all the others had, and how many answers there were."""
        kinds = {name: shapes for name, shapes in self._shapes.items() if name[0] == endpoint and len(name) == 2}
        kinds = {name: shapes for name, shapes in kinds.items() if shapes.total() >= ENOUGH}
        odd = 0
        for name, shapes in self._shapes.items():
            whole = kinds.get(name[:2])
            if whole and len(name) == 3:
                others = shapes if shapes.total() > 1 else whole
                odd += sum(others[one] == 1 and bool(self._less(one, frozenset(others) - {one})) for one in shapes)
        return odd, sum(shapes.total() for shapes in kinds.values())

    def _lacks(self, kind: tuple[str, int], path: str, shape: str) -> str | None:
        if kind not in self._shapes or self._shapes[kind].total() < ENOUGH:
            return None
        own: _Name = (*kind, path)
        return self._less(shape, self._of[own if own in self._shapes and self._shapes[own].total() > 1 else kind])

    def _less(self, shape: str, others: frozenset[str]) -> str | None:
        """What answers of this shape lack beside others; a mark alone is no lack."""
        if (shape, others) not in self._known:
            self._known[shape, others] = self._beside(shape, others)
        return self._known[shape, others]

    def _beside(self, shape: str, others: frozenset[str]) -> str | None:
        if not self._structures.keys() >= {shape, *others}:
            return None
        paths, usual = self._structures[shape], self._usual(others)
        unmarked = usual._replace(any=usual.any | paths)
        return beside(paths, unmarked)[1] if loses(paths, unmarked) else ""

    def _usual(self, shapes: frozenset[str]) -> Usually:
        return usually(self._structures[shape] for shape in shapes & self._structures.keys())


def _reads(rows: pd.DataFrame) -> pd.DataFrame:
    found = with_contents(rows)
    return found[found["ok"] & (found["method"] == "GET")]
