"""Every injection point that a keyed request came to: `faults/*.reached`, tab-separated.

What follows a line's key is the same on many lines: each such text is taken apart once.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from chaos_analysis.tables._lines import texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

COLUMNS = ("key", "stage", "plan", "target", "occurrence", "part", "rules")
_TYPES = {"plan": np.int64, "occurrence": np.int64}
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"


class _Point(NamedTuple):
    """What follows the key; a `plan` of None where the line is broken."""

    stage: str = ""
    plan: int | None = None
    target: str = ""
    occurrence: int = 0


def read(
    paths: Sequence[Path], plans: Mapping[str, Mapping[int, tuple[str, ...]]]
) -> tuple[pd.DataFrame, dict[Path, int], list[str]]:
    """All points, the broken lines of each part, and gaps. `plans` are each part's rules by plan number."""
    parts, broken, gaps = [[np.empty(0, dtype=_TYPES.get(name, object)) for name in COLUMNS]], {}, []
    for path in paths:
        try:
            columns, bad = _read(path, plans.get(path.stem, {}))
        except OSError as error:
            gaps.append(f"faults/{path.name} cannot be read: {error.strerror}")
            continue
        parts.append(columns)
        broken[path] = bad
        if bad:
            gaps.append(f"faults/{path.name}: {bad} lines could not be read")
    joined = zip(COLUMNS, map(np.concatenate, zip(*parts, strict=True)), strict=True)
    return pd.DataFrame({name: pd.Series(v, dtype=v.dtype, copy=False) for name, v in joined}, copy=False), broken, gaps


def _read(path: Path, plans: Mapping[int, tuple[str, ...]]) -> tuple[list[np.ndarray], int]:
    """One part's columns, and how many of its lines are broken."""
    keys, numbers, known, cut = _split(path)
    points = [_point(text) for text in known]
    good = np.array([point.plan is not None for point in points], dtype=bool)[numbers]
    good &= np.fromiter((_UNREADABLE not in key for key in keys), dtype=bool, count=len(keys))
    numbers = numbers[good]
    values = [(*point, path.stem, plans.get(point.plan or 0, ())) for point in points]
    columns = [_column(name, [value[i] for value in values], numbers) for i, name in enumerate(COLUMNS[1:])]
    return [keys[good], *columns], len(good) - len(numbers) + cut


def _split(path: Path) -> tuple[np.ndarray, np.ndarray, list[str], int]:
    """The lines' keys, the number of what follows each, those texts by number, and how many lines have no end."""
    known: defaultdict[str, int] = defaultdict(count().__next__)
    keys, numbers, cut = [np.empty(0, dtype=object)], [np.empty(0, dtype=np.int64)], 0
    for block, whole in texts(path):
        if not whole:
            cut = 1
            continue
        starts, _, rests = zip(*[line.partition("\t") for line in _lines(block)], strict=True)
        keys.append(np.fromiter(starts, dtype=object, count=len(starts)))
        numbers.append(np.fromiter(map(known.__getitem__, rests), dtype=np.int64, count=len(rests)))
    return np.concatenate(keys), np.concatenate(numbers), list(known), cut


def _lines(block: bytes) -> list[str]:
    return block.decode("utf-8", "replace").split("\n")


def _point(text: str) -> _Point:
    stage, *rest = text.split("\t")
    plan = _number(rest[0]) if rest else None
    if plan is None or len(rest) > 3:
        return _Point()
    return _Point(stage, plan, rest[1] if len(rest) > 1 else "", _number(rest[2]) or 0 if len(rest) > 2 else 0)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _column(name: str, values: list[Any], numbers: np.ndarray) -> np.ndarray:
    """The values that these numbers stand for."""
    column = np.empty(len(values), dtype=_TYPES.get(name, object))
    column[:] = [value or 0 for value in values] if name in _TYPES else values
    chosen: np.ndarray = column[numbers]
    return chosen
