"""What the client saw: `requests/<part>.jsonl`, `stages.jsonl` and `load.jsonl`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from chaos_analysis.tables._frames import Columns, fields
from chaos_analysis.tables._lines import blocks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COLUMNS = (
    *("key", "stage", "user", "started", "intended", "response_ms", "method", "name"),
    *("status", "bytes", "error_class", "error", "faults", "path", "content"),
)
_KINDS = {
    "key": "object",
    "content": "object",
    "started": "float",
    "intended": "float",
    "response_ms": "float",
    "status": "int",
    "bytes": "int",
}
_REQUIRED = ("key", "stage", "started", "response_ms", "method", "name")


@dataclass(frozen=True)
class ClientParts:
    """The rows of all parts, Locust's totals as the parts have them, a row a part, and what was not whole."""

    rows: pd.DataFrame
    totals: pd.DataFrame
    parts: pd.DataFrame
    gaps: tuple[str, ...]


def read(paths: Sequence[Path]) -> ClientParts:
    """Read the recorder's parts; an unusable one is a gap."""
    rows, totals, parts, gaps = Columns(COLUMNS, _KINDS), [], [], []
    for path in paths:
        part = _Part()
        try:
            for values, broken in blocks(path, list, dict):
                rows.extend(part.take(values))
                part.broken += broken
        except OSError as error:
            gaps.append(f"requests/{path.name} cannot be read: {error.strerror}")
        gaps += part.gaps(path.name)
        totals += [{"source": "recorder", "endpoint": n, "requests": t[0], "failures": t[1]} for n, t in part.totals]
        parts.append((path.stem, "client", part.records, part.broken, part.closed))
    return ClientParts(
        rows.frame(),
        pd.DataFrame(totals, columns=["source", "endpoint", "requests", "failures"]),
        pd.DataFrame(parts, columns=["part", "kind", "records", "broken", "closed"]),
        tuple(gaps),
    )


class _Part:
    """One part while it is read. Its first line names the order of its columns."""

    def __init__(self) -> None:
        self.order: list[int | None] | None = None
        self.width = 0
        self.records = self.broken = 0
        self.closed = False
        self.told: int | None = None
        self.totals: list[tuple[str, list[int]]] = []

    def take(self, values: list[Any]) -> list[Sequence[Any]]:
        """The columns, in our order, of the rows among these values."""
        told = [value for value in values if type(value) is dict]
        for value in told:
            self._tell(value)
        rows = [value for value in values if len(value) == self.width and type(value) is list]
        self.broken += len(values) - len(told) - len(rows)
        self.records += len(rows)
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        return [columns[i] if rows and i is not None else [None] * len(rows) for i in self.order or ()]

    def gaps(self, name: str) -> list[str]:
        """What is wrong with this part, in sentences."""
        gaps = []
        if self.order is None:
            gaps.append(f"requests/{name} has no usable first line: none of its rows could be read")
        elif not self.closed:
            gaps.append(f"requests/{name} was not closed: its process ended early, later rows are missing")
        elif self.told is not None and self.told != self.records:
            gaps.append(f"requests/{name} has {self.records} rows but its last line says {self.told}")
        if self.broken and self.order is not None:
            gaps.append(f"requests/{name}: {self.broken} lines could not be read")
        return gaps

    def _tell(self, value: dict[str, Any]) -> None:
        columns = value.get("columns")
        if isinstance(columns, list) and all(name in columns for name in _REQUIRED):
            self.order = [columns.index(name) if name in columns else None for name in COLUMNS]
            self.width = len(columns)
        if "closed" in value:
            self.closed, self.told = True, value.get("rows")
            totals = value.get("totals")
            if isinstance(totals, dict):
                self.totals = [(name, pair) for name, pair in totals.items() if _is_pair(pair)]


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(number, int) for number in value)


def read_objects(path: Path, kinds: dict[str, str], texts: Sequence[str]) -> tuple[pd.DataFrame, int]:
    """A small file of JSON objects (`load.jsonl`, `stages.jsonl`), and how many lines were no such thing."""
    names = (*texts, *kinds)
    table, broken = Columns(names, kinds), 0
    if path.is_file():
        for values, bad in blocks(path, dict):
            table.extend(fields(values, names))
            broken += bad
    return table.frame(), broken
