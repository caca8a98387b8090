"""Columns gathered block by block into a data frame."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_EMPTY: dict[str, type] = {"float": np.float64, "int": np.int64, "bool": np.bool_}


class Columns:
    """Grows a table by blocks of columns. Equal texts become one object, which is what keeps a million rows small.

    Names (keys, ids) are too many to be kept at hand, but equal ones lie near one another: `near` are those that this
    table and others met of late, and whoever gives it clears it.
    """

    def __init__(self, names: Sequence[str], kinds: Mapping[str, str], near: dict[Any, Any] | None = None) -> None:
        self._names = tuple(names)
        self._kinds = [kinds.get(name, "text") for name in names]
        self._blocks: list[list[np.ndarray]] = []
        self._texts: dict[Any, Any] = {}
        self._near = {} if near is None else near

    def extend(self, columns: Sequence[Sequence[Any]]) -> None:
        """Add a block, given as its columns in order."""
        if columns and columns[0]:
            self._blocks.append([self._array(k, c) for k, c in zip(self._kinds, columns, strict=True)])

    def frame(self) -> pd.DataFrame:
        """All rows so far; without any, an empty frame with the same columns and types."""
        blocks = self._blocks or [[np.empty(0, dtype=_EMPTY.get(kind, object)) for kind in self._kinds]]
        joined = [np.concatenate(parts) for parts in zip(*blocks, strict=True)]
        columns = zip(self._names, joined, strict=True)
        return pd.DataFrame({n: pd.Series(v, dtype=v.dtype, copy=False) for n, v in columns}, copy=False)

    def _array(self, kind: str, values: Sequence[Any]) -> np.ndarray:
        if kind in ("text", "name"):
            return _objects(_shared(values, self._texts if kind == "text" else self._near), len(values))
        if kind == "names":
            return _objects([tuple(_shared(value, self._near)) if value else () for value in values], len(values))
        if kind == "object":
            return _objects(values, len(values))
        if kind == "float":
            return _numbers(values)
        if kind == "int":
            return _integers(values)
        return np.array([value is True for value in values], dtype=bool)


def _shared(values: Sequence[Any], known: dict[Any, Any]) -> Iterable[Any]:
    try:
        return list(map(known.setdefault, values, values))
    except TypeError:  # a list or an object where a text should be
        return [value if value is None else str(value) for value in values]


def _objects(values: Iterable[Any], count: int) -> np.ndarray:
    return np.fromiter(values, dtype=object, count=count)


def _integers(values: Sequence[Any]) -> np.ndarray:
    if set(map(type, values)) <= {int}:
        return np.array(values, dtype=np.int64)
    numbers = _numbers(values)
    return np.where(np.isfinite(numbers), numbers, 0.0).astype(np.int64)


def _numbers(values: Sequence[Any]) -> np.ndarray:
    try:
        numbers = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        texts = pd.Series(list(values), dtype=object)
        numbers = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)
    return numbers


def fields(records: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[list[Any]]:
    """The records' fields as columns; a field that a record lacks is None."""
    return [_field(records, name) for name in names]


def _field(records: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    try:
        return list(map(itemgetter(name), records))
    except KeyError:
        return [record.get(name) for record in records]


def path_below(folder: str, file: str) -> str:
    """A file's path relative to the app's folder, as it is where it lies elsewhere."""
    prefix = folder.rstrip("/") + "/"
    return file[len(prefix) :] if folder and file.startswith(prefix) else file
