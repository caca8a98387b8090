"""Where calls are made, named so that the name survives edits of the file.

A call's name is `FILE:FUNCTION SEAM DEPENDENCY`: the app's file, the qualified function, and what is called without
query, ids and values. A second call of the same dependency in the same function, in source order, has ` #2` after it.
Only calls that the ledger has noted count, so a call that a run never made shifts the numbers after it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chaos_analysis.outcomes.codes import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable

_ID = re.compile(r"\d+|[0-9a-fA-F]{8,}|[0-9a-fA-F-]{32,36}|(?=.*\d)(?=.*[A-Za-z])[\w-]{12,}")
_HASH = re.compile(r" [0-9a-f]{8}$")  # of a statement and its values
_PIECES = re.compile(r"([/:.|]+)")
_ALIKE = 3  # more different names than these at one line are values of one name
_COLUMNS = ("seam", "target", "file", "line", "function")


def name_calls(*tables: pd.DataFrame) -> list[pd.DataFrame]:
    """`dependency`, `peer` and `call` for the rows of each table (of `_COLUMNS`), "" at the edge; named together."""
    whole = pd.concat([table[list(_COLUMNS)] for table in tables], ignore_index=True)
    numbers, firsts = kinds([whole[name] for name in _COLUMNS])
    distinct = [tuple(values) for values in whole.iloc[firsts].itertuples(index=False)]
    dependencies = _dependencies(distinct)
    calls = _calls(distinct, dependencies)
    peers = [peer(seam, name) for (seam, *_), name in zip(distinct, dependencies, strict=True)]
    columns = {"dependency": dependencies, "peer": peers, "call": calls}
    named = pd.DataFrame({name: _taken(values, numbers) for name, values in columns.items()})
    ends = np.cumsum([len(table) for table in tables])[:-1]
    return [part.reset_index(drop=True) for part in (named.iloc[low:high] for low, high in _spans(ends, len(whole)))]


def _spans(ends: np.ndarray, total: int) -> Iterable[tuple[int, int]]:
    bounds = [0, *ends.tolist(), total]
    return pairwise(bounds)


def _taken(values: list[str], at: np.ndarray) -> np.ndarray:
    known = np.empty(len(values), dtype=object)
    known[:] = values
    return known[at] if len(values) else np.empty(0, dtype=object)


def _dependencies(distinct: list[tuple[Any, ...]]) -> list[str]:
    """What each is a call of; names that differ at one line in many ways are made one."""
    named = [dependency(str(target)) if isinstance(target, str) else "" for _, target, *_ in distinct]
    groups: dict[Any, dict[str, None]] = defaultdict(dict)
    for (seam, _, *place), name in zip(distinct, named, strict=True):
        groups[seam, *_hashable(place), _head(name)][name] = None
    joined = {group: _joined(list(names)) for group, names in groups.items() if len(names) > _ALIKE}
    return [
        joined.get((seam, *_hashable(place), _head(name)), name)
        for (seam, _, *place), name in zip(distinct, named, strict=True)
    ]


@lru_cache(100_000)
def dependency(target: str) -> str:
    """A call identity without query, ids and values: `GET api/fares/7?to=moon` is `GET api/fares/<id>`."""
    verb, blank, rest = _HASH.sub("", target.partition("?")[0]).partition(" ")
    host, gap, path = _split(rest)
    pieces = ["<id>" if _ID.fullmatch(piece) else piece for piece in _PIECES.split(path)]
    return f"{verb}{blank}{host}{gap}{''.join(pieces)}"


def peer(seam: str, name: str) -> str:
    """Who is called: the seam, and the host where the dependency's name has one; "" at the edge."""
    if not name:
        return ""
    host = _split(name.partition(" ")[2])[0]
    return seam if seam == "database" or not host else f"{seam} {host}"


def _split(rest: str) -> tuple[str, str, str]:
    """The host, what separates it from the rest, and the rest: a path, or a key after a blank."""
    at = min((at for at in (rest.find("/"), rest.find(" ")) if at >= 0), default=len(rest))
    return rest[:at], rest[at : at + 1], rest[at + 1 :]


def _head(name: str) -> str:
    """Verb and host."""
    verb, _, rest = name.partition(" ")
    return f"{verb} {_split(rest)[0]}"


def _joined(names: list[str]) -> str:
    """What they begin with alike, up to the end of a whole piece, and a `*`."""
    lists = [re.split(r"(?<=[/:.| ])", name) for name in names]
    alike = []
    for pieces in zip(*lists, strict=False):
        if len(set(pieces)) > 1:
            break
        alike.append(pieces[0])
    return "".join(alike) + "*"


def _calls(distinct: list[tuple[Any, ...]], dependencies: list[str]) -> list[str]:
    """The names of the calls, those of one function and dependency numbered by their lines."""
    lines: dict[str, set[float]] = defaultdict(set)
    stems = []
    for (seam, target, file, line, function), name in zip(distinct, dependencies, strict=True):
        where = f"{file}:{function}" if isinstance(file, str) else "-"
        stems.append(f"{where} {seam} {name}" if isinstance(target, str) else "")
        lines[stems[-1]].add(line if line == line else -1.0)  # noqa: PLR0124 - NaN
    order = {stem: {line: at for at, line in enumerate(sorted(known), 1)} for stem, known in lines.items()}
    return [
        stem if order[stem][_line(line)] == 1 else f"{stem} #{order[stem][_line(line)]}"
        for stem, (*_, line, _) in zip(stems, distinct, strict=True)
    ]


def _line(line: float) -> float:
    return line if line == line else -1.0  # noqa: PLR0124 - NaN


def _hashable(place: list[Any]) -> tuple[Any, ...]:
    return tuple(None if value != value else value for value in place)  # noqa: PLR0124 - NaN
