"""Columns gathered block by block into a data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Columns:
    """Grows a table by blocks of rows. Equal texts become one object, which is what keeps a million rows small."""

    def __init__(self, names: Sequence[str], kinds: Mapping[str, str]) -> None:
        self._names, self._kinds = tuple(names), kinds
        self._blocks: list[list[pd.Series[Any]]] = []
        self._texts: dict[Any, Any] = {}

    def extend(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows, each with a value for every column in order."""
        columns = tuple(zip(*rows, strict=True))
        if columns:
            self._blocks.append([self._column(n, c) for n, c in zip(self._names, columns, strict=True)])

    def frame(self) -> pd.DataFrame:
        """All rows so far; without any, an empty frame with the same columns and types."""
        blocks = self._blocks or [[self._column(name, ()) for name in self._names]]
        joined = [pd.concat(parts, ignore_index=True) for parts in zip(*blocks, strict=True)]
        return pd.DataFrame(dict(zip(self._names, joined, strict=True)))

    def _column(self, name: str, values: Sequence[Any]) -> pd.Series[Any]:
        kind = self._kinds.get(name, "text")
        if kind == "text":
            return pd.Series(self._shared(values), dtype=object)
        if kind == "object":
            return pd.Series(list(values), dtype=object)
        if kind == "tuple":
            return pd.Series([tuple(value) if value else () for value in values], dtype=object)
        if kind == "float":
            return _numbers(values)
        if kind == "int":
            return _numbers(values).fillna(0).astype("int64")
        return pd.Series([value is True for value in values], dtype=bool)

    def _shared(self, values: Sequence[Any]) -> list[Any]:
        shared = self._texts.setdefault
        try:
            return [shared(value, value) for value in values]
        except TypeError:  # a list or an object where a text should be
            return [value if value is None else str(value) for value in values]


def _numbers(values: Sequence[Any]) -> pd.Series[float]:
    try:
        return pd.Series(values, dtype="float64")
    except (TypeError, ValueError):
        return pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").astype("float64")


def path_below(folder: str, file: str) -> str:
    """A file's path relative to the app's folder, as it is where it lies elsewhere."""
    prefix = folder.rstrip("/") + "/"
    return file[len(prefix) :] if folder and file.startswith(prefix) else file
