"""What the app's processes noted: `faults/*.jsonl` (events, calls, requests), `faults/*.reached` (injection points)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from chaos_analysis.tables import reached
from chaos_analysis.tables._frames import Columns, path_below
from chaos_analysis.tables._lines import blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
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
ANSWERS = (
    *("key", "stage", "route", "method", "status", "seconds", "faults", "error", "error_text", "sampled", *_SITE),
)
SUPPRESSED = ("id", "key", "stage", "rule", "seam", "reason")
_KINDS = {
    **dict.fromkeys(("id", "key", "asked", "timeout", "faults", "error_text"), "object"),
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
        self._rows: dict[str, Callable[[dict[str, Any]], Sequence[Any]]] = {
            "fault": self._fault,
            "call": self._call,
            "request": self._request,
            "suppressed": lambda value: [value.get(name) for name in SUPPRESSED],
        }

    def read(self, path: Path) -> None:
        """Take in one part."""
        records, broken = 0, 0
        plans = self.plans.setdefault(path.stem, {})
        try:
            for values, bad in blocks(path, lambda value: isinstance(value, dict)):
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
        sorted_rows: dict[str, list[Sequence[Any]]] = {kind: [] for kind in self.tables}
        for value in values:
            kind = value.get("kind")
            if kind == "end":
                self._ends[value.get("id"), value.get("started")] = (value.get("finished"), value.get("measured"))
            elif kind in self._rows:
                sorted_rows[kind].append(self._rows[kind](value))
            elif kind == "plan":
                plans[value.get("plan", -1)] = tuple(value.get("rules") or ())
            elif kind == "note":
                self.notes.append(str(value.get("text")))
        for kind, rows in sorted_rows.items():
            self.tables[kind].extend(rows)

    def _fault(self, value: dict[str, Any]) -> Sequence[Any]:
        get = value.get
        return [*map(get, FAULTS[:-3]), *self._site(get("site"))]

    def _call(self, value: dict[str, Any]) -> Sequence[Any]:
        get = value.get
        faults = tuple(get("faults") or ())
        return [*map(get, CALLS[:11]), faults, get("sampled"), *self._site(get("site"))]

    def _request(self, value: dict[str, Any]) -> Sequence[Any]:
        get, error = value.get, value.get("error")
        told = error if isinstance(error, dict) else {}
        faults = tuple(get("faults") or ())
        head = map(get, ANSWERS[:6])
        return [*head, faults, told.get("class"), told.get("text"), get("sampled"), *self._site(get("frame"))]

    def _site(self, site: Any) -> tuple[Any, Any, Any]:
        if not isinstance(site, dict):
            return None, None, None
        file = str(site.get("file"))
        known = self._files.get(file)
        if known is None:
            known = self._files[file] = path_below(self._app_dir, file)
        return known, site.get("line"), site.get("function")
