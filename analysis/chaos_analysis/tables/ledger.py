"""What the app's processes noted: `faults/*.jsonl` (events, calls, requests); for `faults/*.reached` see `reached`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chaos_analysis.tables._frames import Columns, fields, path_below
from chaos_analysis.tables._lines import blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_SITE = ("file", "line", "function")
FAULTS = (
    *("id", "key", "stage", "rule", "fault", "seam", "phase", "asked", "target", "occurrence", "route", "pid"),
    *("started", *_SITE),
)
CALLS = (
    *("key", "stage", "seam", "target", "occurrence", "route", "started", "seconds", "status", "error", "timeout"),
    *("faults", "sampled", "idempotency_key", "values", *_SITE),
)
_REQUEST = ("key", "stage", "route", "method", "status", "seconds", "body", "faults", "sampled", "error")
ANSWERS = (*_REQUEST, "error_text", *_SITE)
SUPPRESSED = ("id", "key", "stage", "rule", "seam", "reason")
_ERROR = ("class", "text")
_END = ("id", "started", "finished", "measured")
_FIELDS = {"fault": FAULTS[:-3], "end": _END, "call": CALLS[:-3], "request": _REQUEST, "suppressed": SUPPRESSED}
_KINDS = {
    **dict.fromkeys(("id", "key"), "name"),
    "faults": "names",
    **dict.fromkeys(("asked", "measured", "timeout", "error_text"), "object"),
    **dict.fromkeys(("started", "finished", "seconds", "status", "body", "line"), "float"),
    **dict.fromkeys(("occurrence", "pid"), "int"),
    "sampled": "bool",
}


@dataclass(frozen=True)
class Ledger:
    """The ledger's tables, a row a part, what was not whole, the middleware's notes, and each part's plans."""

    faults: pd.DataFrame
    calls: pd.DataFrame
    answers: pd.DataFrame
    suppressed: pd.DataFrame
    parts: pd.DataFrame
    gaps: tuple[str, ...]
    notes: tuple[str, ...]
    plans: dict[str, dict[int, tuple[str, ...]]]


def read(records: Sequence[Path], app_dir: str) -> Ledger:
    """Read every part; call sites become relative to `app_dir`."""
    reader = _Reader(app_dir)
    for path in records:
        reader.read(path)
    return Ledger(
        reader.faults(),
        reader.frame("call"),
        reader.frame("request"),
        reader.frame("suppressed"),
        pd.DataFrame(reader.parts, columns=["part", "kind", "records", "broken", "closed"]),
        tuple(reader.gaps),
        tuple(dict.fromkeys(reader.notes)),
        reader.plans,
    )


class _Reader:
    """Sorts the ledger's records into tables by their kind."""

    def __init__(self, app_dir: str) -> None:
        self._app_dir = app_dir
        self.plans: dict[str, dict[int, tuple[str, ...]]] = {}
        self.gaps: list[str] = []
        self.notes: list[str] = []
        self.parts: list[tuple[str, str, int, int, bool]] = []
        columns = {"fault": FAULTS, "end": _END, "call": CALLS, "request": ANSWERS, "suppressed": SUPPRESSED}
        self._near: dict[Any, Any] = {}
        self._tables = {kind: Columns(names, _KINDS, self._near) for kind, names in columns.items()}

    def read(self, path: Path) -> None:
        """Take in one part."""
        records, broken = 0, 0
        plans = self.plans.setdefault(path.stem, {})
        try:
            for values, bad in blocks(path, dict):
                records, broken = records + len(values), broken + bad
                self._take(values, plans)
        except OSError as error:
            self.gaps.append(f"faults/{path.name} cannot be read: {error.strerror}")
        if broken:
            self.gaps.append(f"faults/{path.name}: {broken} records could not be read")
        self.parts.append((path.name, "app", records, broken, True))

    def frame(self, kind: str) -> pd.DataFrame:
        """The records of one kind."""
        table = self._tables[kind].frame()
        if "file" in table:
            numbers, files = pd.factorize(table["file"], use_na_sentinel=False)
            below = np.empty(len(files), dtype=object)
            below[:] = [path_below(self._app_dir, file) if isinstance(file, str) else None for file in files]
            table["file"] = pd.Series(below[numbers], dtype=object)
        return table

    def faults(self) -> pd.DataFrame:
        """The fault events, each with its end where it has one."""
        table = self.frame("fault")
        ends = self.frame("end")
        places = {pair: place for place, pair in enumerate(_pairs(ends))}
        found = np.fromiter(map(places.get, _pairs(table), repeat(-1)), dtype=np.int64, count=len(table))
        told = ends[["finished", "measured"]].reindex(found)  # a row of nothing for -1
        table[["finished", "measured"]] = told.set_axis(table.index)
        return table.assign(unknown=found < 0)

    def _take(self, values: list[dict[str, Any]], plans: dict[int, tuple[str, ...]]) -> None:
        by_kind: defaultdict[Any, list[dict[str, Any]]] = defaultdict(list)
        for value in values:
            by_kind[value.get("kind")].append(value)
        for kind, table in self._tables.items():
            table.extend(_columns(kind, by_kind[kind]))
        self._near.clear()
        for value in by_kind["plan"]:
            plans[value.get("plan", -1)] = tuple(value.get("rules") or ())
        self.notes += [str(value.get("text")) for value in by_kind["note"]]


def _pairs(table: pd.DataFrame) -> Iterable[tuple[Any, Any]]:
    """What tells events of one id apart: a request that is sent again meets the same fault."""
    return zip(table["id"].tolist(), table["started"].tolist(), strict=True)


def _columns(kind: str, records: list[dict[str, Any]]) -> list[list[Any]]:
    """The records of one kind as its table's columns."""
    columns = fields(records, _FIELDS[kind])
    if kind == "request":
        columns[-1:] = _spread(columns[-1], _ERROR)
    if kind in ("fault", "call", "request"):
        (sites,) = fields(records, ["frame" if kind == "request" else "site"])
        columns += _spread(sites, _SITE)
    return columns


def _spread(values: list[Any], names: Sequence[str]) -> list[list[Any]]:
    """The fields of objects; all None of what is no object."""
    nothing: dict[str, Any] = dict.fromkeys(names)
    return fields([value if type(value) is dict else nothing for value in values], names)
