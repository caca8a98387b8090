"""What the app's processes noted: `faults/*.jsonl` (events, calls, requests), `faults/*.reached` (injection points)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from chaos_analysis.tables import reached
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
    *("faults", "sampled", *_SITE),
)
_REQUEST = ("key", "stage", "route", "method", "status", "seconds", "faults", "sampled", "error")
ANSWERS = (*_REQUEST, "error_text", *_SITE)
SUPPRESSED = ("id", "key", "stage", "rule", "seam", "reason")
_FIELDS = {"fault": FAULTS[:-3], "call": CALLS[:-3], "request": _REQUEST, "suppressed": SUPPRESSED}
_KINDS = {
    **dict.fromkeys(("id", "key", "asked", "timeout", "error_text"), "object"),
    "faults": "tuple",
    **dict.fromkeys(("started", "seconds", "status", "line"), "float"),
    **dict.fromkeys(("occurrence", "pid"), "int"),
    "sampled": "bool",
}


@dataclass(frozen=True)
class Ledger:
    """The ledger's tables, a row a part, what was not whole, and the middleware's notes."""

    faults: pd.DataFrame
    calls: pd.DataFrame
    answers: pd.DataFrame
    suppressed: pd.DataFrame
    reached: pd.DataFrame
    parts: pd.DataFrame
    gaps: tuple[str, ...]
    notes: tuple[str, ...]


def read(records: Sequence[Path], points: Sequence[Path], app_dir: str) -> Ledger:
    """Read every part; call sites become relative to `app_dir`."""
    reader = _Reader(app_dir)
    for path in records:
        reader.read(path)
    table, broken, gaps = reached.read(points, reader.plans)
    parts = [*reader.parts, *((path.name, "app", len(table), count, True) for path, count in broken.items())]
    return Ledger(
        reader.faults(),
        reader.tables["call"].frame(),
        reader.tables["request"].frame(),
        reader.tables["suppressed"].frame(),
        table,
        pd.DataFrame(parts, columns=["part", "kind", "records", "broken", "closed"]),
        (*reader.gaps, *gaps),
        tuple(dict.fromkeys(reader.notes)),
    )


class _Reader:
    """Sorts the ledger's records into tables by their kind."""

    def __init__(self, app_dir: str) -> None:
        self._app_dir = app_dir
        self._files: dict[str, str] = {}
        self.plans: dict[str, dict[int, tuple[str, ...]]] = {}
        self.gaps: list[str] = []
        self.notes: list[str] = []
        self.parts: list[tuple[str, str, int, int, bool]] = []
        columns = {"fault": FAULTS, "call": CALLS, "request": ANSWERS, "suppressed": SUPPRESSED}
        self.tables = {kind: Columns(names, _KINDS) for kind, names in columns.items()}
        self._ends: dict[tuple[Any, Any], tuple[Any, Any]] = {}

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

    def faults(self) -> pd.DataFrame:
        """The fault events, each with its end where it has one."""
        table = self.tables["fault"].frame()
        pairs = zip(table["id"].tolist(), table["started"].tolist(), strict=True)
        ends = [self._ends.get(pair) for pair in pairs]
        table["finished"] = pd.Series([end[0] if end else None for end in ends], dtype="float64")
        table["measured"] = pd.Series([end[1] if end else None for end in ends], dtype=object)
        table["unknown"] = pd.Series([end is None for end in ends], dtype=bool)
        return table

    def _take(self, values: list[dict[str, Any]], plans: dict[int, tuple[str, ...]]) -> None:
        by_kind: dict[Any, list[dict[str, Any]]] = {}
        for value in values:
            by_kind.setdefault(value.get("kind"), []).append(value)
        for kind, table in self.tables.items():
            table.extend(self._columns(kind, by_kind.get(kind, [])))
        for value in by_kind.get("end", ()):
            self._ends[value.get("id"), value.get("started")] = (value.get("finished"), value.get("measured"))
        for value in by_kind.get("plan", ()):
            plans[value.get("plan", -1)] = tuple(value.get("rules") or ())
        self.notes += [str(value.get("text")) for value in by_kind.get("note", ())]

    def _columns(self, kind: str, records: list[dict[str, Any]]) -> list[Sequence[Any]]:
        """The records of one kind as its table's columns."""
        columns: list[Sequence[Any]] = [*fields(records, _FIELDS[kind])]
        if kind == "request":
            columns[-1:] = _spread(map(_error, columns[-1]), 2)
        if kind != "suppressed":
            (sites,) = fields(records, ["frame" if kind == "request" else "site"])
            columns += _spread(map(self._site, sites), 3)
        return columns

    def _site(self, site: Any) -> tuple[Any, Any, Any]:
        if not isinstance(site, dict):
            return None, None, None
        file = str(site.get("file"))
        known = self._files.get(file)
        if known is None:
            known = self._files[file] = path_below(self._app_dir, file)
        return known, site.get("line"), site.get("function")


def _spread(values: Iterable[tuple[Any, ...]], width: int) -> list[Sequence[Any]]:
    return list(zip(*values, strict=True)) or [()] * width


def _error(error: Any) -> tuple[Any, Any]:
    return (error.get("class"), error.get("text")) if isinstance(error, dict) else (None, None)
