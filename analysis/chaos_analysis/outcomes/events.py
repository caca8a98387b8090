"""Each fault event with what is known around it: the client's row, how the request left the app, the call it met."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chaos_analysis.outcomes.repeats import repeated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chaos_analysis.evidence import Evidence

_EVENT = (
    *("id", "key", "stage", "started", "rule", "fault", "seam", "phase", "target", "route"),
    *("file", "line", "function"),
)
_ROW = {name: name for name in ("endpoint", "status", "error_class", "ok", "response_ms", "path", "method", "content")}
_LEFT = {"error": "left_error", "file": "left_file", "line": "left_line", "function": "left_function"}
_CALL = {"error": "call_error", "status": "call_status", "timeout": "call_timeout"}


def gather(evidence: Evidence) -> pd.DataFrame:
    """One row an event, in the ledger's order.

    Columns of the ledger's `fault`; `dependency` and `call` (see `places`); `asked`, `injected` (seconds, NaN where the
    fault has none), `did`; those of the client's row, `row` whether there is one and `place` where; `left_…` of the
    exception that left the app, `recorded` whether the app lived to note the end of the request; `call_…` of the call
    it met; `attempts`, `waits`, `recovered` (see `repeats`).
    """
    tables = evidence.tables
    faults, calls = tables.faults, tables.calls
    named, called = evidence.call_names
    rows = _places(evidence.places, faults["key"])
    left, recorded = _left(tables.answers, faults["key"])
    met = _places({event: at for at, events in enumerate(calls["faults"]) if events for event in events}, faults["id"])
    parts = [
        faults[list(_EVENT)].reset_index(drop=True),
        named,
        _measured(faults),
        _taken(tables.requests, rows, _ROW).assign(row=rows >= 0, place=rows),
        _taken(tables.answers, left, _LEFT).assign(recorded=recorded),
        _taken(calls, met, _CALL),
        repeated(evidence, called["dependency"], met),
    ]
    return pd.concat(parts, axis=1)


def _measured(faults: pd.DataFrame) -> pd.DataFrame:
    asked, told = faults["asked"].tolist(), faults["measured"].tolist()
    did = pd.Series([one.get("did") if type(one) is dict else None for one in told], dtype=object)
    return pd.DataFrame({"asked": _seconds(asked), "injected": _seconds(told), "did": did})


def _seconds(told: list[Any]) -> np.ndarray:
    values = [one.get("seconds") if type(one) is dict else None for one in told]
    try:
        return np.array(values, dtype=np.float64)  # None is NaN
    except (TypeError, ValueError):
        return np.asarray(pd.to_numeric(pd.Series(values, dtype=object), errors="coerce"), dtype=np.float64)


def _left(answers: pd.DataFrame, keys: pd.Series[str]) -> tuple[np.ndarray, np.ndarray]:
    """Each key's last answer that an exception left the app with, and whether any answer was noted at all."""
    noted = set(answers["key"].tolist())
    failed = np.flatnonzero(answers["error"].notna().to_numpy())
    at = dict(zip(answers["key"].to_numpy()[failed].tolist(), failed.tolist(), strict=True))
    return _places(at, keys), np.array([key in noted for key in keys.tolist()], dtype=bool)


def _places(at: Mapping[str, int], names: Iterable[str]) -> np.ndarray:
    """Where each name is, -1 where nowhere."""
    return np.fromiter(map(at.get, names, repeat(-1)), dtype=np.int64)


def _taken(table: pd.DataFrame, at: np.ndarray, names: Mapping[str, str]) -> pd.DataFrame:
    """These rows of a table, empty ones where `at` is -1, their columns renamed; columns it lacks are empty."""
    nothing = np.full(len(table), None, dtype=object)
    columns = {called: table[name].to_numpy() if name in table else nothing for name, called in names.items()}
    return pd.DataFrame({called: _chosen(values, at) for called, values in columns.items()})


def _chosen(values: np.ndarray, at: np.ndarray) -> pd.Series[Any]:
    if values.dtype.kind == "i":
        values = values.astype(np.float64)
    chosen = values[np.maximum(at, 0)] if len(values) else np.full(len(at), None, dtype=values.dtype)
    chosen[at < 0] = {"f": np.nan, "b": False}.get(values.dtype.kind)
    column: pd.Series[Any] = pd.Series(chosen, dtype=chosen.dtype)  # said, else None becomes NaN among texts
    return column
