"""Every injection point that a keyed request came to: `faults/*.reached`, tab-separated.

What follows a line's key is the same on many lines: each such text is taken apart once.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from chaos_analysis.tables._lines import texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
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


@dataclass(frozen=True)
class Part:
    """One part as scanned: its whole lines' keys, the number of what follows each, and that by number."""

    path: Path
    keys: np.ndarray
    numbers: np.ndarray
    points: tuple[_Point, ...]
    broken: int
    error: str


@dataclass(frozen=True)
class Reached:
    """All points, a row a part, and what was not whole."""

    table: pd.DataFrame
    parts: pd.DataFrame
    gaps: tuple[str, ...]


def scan(paths: Sequence[Path]) -> tuple[Part, ...]:
    """Every part, without its plans, which stand in the ledger's other files."""
    return tuple(map(_scan, paths))


def resolve(parts: Sequence[Part], plans: Mapping[str, Mapping[int, tuple[str, ...]]]) -> Reached:
    """The parts with the rules of their plans; `plans` are each part's rules by plan number."""
    columns = [[np.empty(0, dtype=_TYPES.get(name, object)) for name in COLUMNS]]
    columns += [_columns(part, plans.get(part.path.stem, {})) for part in parts]
    joined = zip(COLUMNS, map(np.concatenate, zip(*columns, strict=True)), strict=True)
    table = pd.DataFrame({name: pd.Series(v, dtype=v.dtype, copy=False) for name, v in joined}, copy=False)
    rows = [(part.path.name, "app", len(table), part.broken, True) for part in parts if not part.error]
    gaps = tuple(gap for part in parts for gap in _gaps(part))
    return Reached(table, pd.DataFrame(rows, columns=["part", "kind", "records", "broken", "closed"]), gaps)


def _gaps(part: Part) -> Iterator[str]:
    if part.error:
        yield f"faults/{part.path.name} cannot be read: {part.error}"
    if part.broken:
        yield f"faults/{part.path.name}: {part.broken} lines could not be read"


def _scan(path: Path) -> Part:
    error = ""
    try:
        keys, numbers, known, cut = _split(texts(path))
    except OSError as failed:
        keys, numbers, known, cut = _split(())
        error = failed.strerror or "it cannot be opened"
    points = tuple(map(_point, known))
    good = np.array([point.plan is not None for point in points], dtype=bool)[numbers]
    good &= np.fromiter((_UNREADABLE not in key for key in keys), dtype=bool, count=len(keys))
    return Part(path, keys[good], numbers[good], points, len(good) - int(good.sum()) + cut, error)


def _columns(part: Part, plans: Mapping[int, tuple[str, ...]]) -> list[np.ndarray]:
    values = [(*point, part.path.stem, plans.get(point.plan or 0, ())) for point in part.points]
    names = enumerate(COLUMNS[1:])
    return [part.keys, *(_column(name, [value[i] for value in values], part.numbers) for i, name in names)]


def _split(blocks: Iterable[tuple[bytes, bool]]) -> tuple[np.ndarray, np.ndarray, list[str], int]:
    """The lines' keys, the number of what follows each, those texts by number, and how many lines have no end."""
    known: defaultdict[str, int] = defaultdict(count().__next__)
    keys, numbers, cut = [np.empty(0, dtype=object)], [np.empty(0, dtype=np.int32)], 0
    for block, whole in blocks:
        if not whole:
            cut = 1
            continue
        starts, _, rests = zip(*[line.partition("\t") for line in _lines(block)], strict=True)
        keys.append(np.fromiter(starts, dtype=object, count=len(starts)))
        numbers.append(np.fromiter(map(known.__getitem__, rests), dtype=np.int32, count=len(rests)))
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
