"""Two runs of one script side by side: the requests by key, and the calls that the app made for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from chaos_analysis import tables
from chaos_analysis.effect.hollow import hollow
from chaos_analysis.evidence import Evidence, read_experiment
from chaos_analysis.outcomes.places import name_calls
from chaos_analysis.outcomes.refused import refused
from chaos_analysis.rundir import open_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from chaos_analysis.model import Tables

WARM_UP = 0  # the block whose requests are not judged
_DEADLINE = 10.0
_COLUMNS = ["key", "endpoint", "status", "ok", "response_ms", "control", "content"]
_CALL = ["key", "seam", "target", "occurrence", "idempotency_key"]


@dataclass(frozen=True)
class Pairing:
    """`rows`: one row a pair, columns of `_COLUMNS` with `_base` and `_other`, plus `hollow` likewise, `block`,
    `endpoint`, and `free` (no fault on either side); hollow answers are not `ok`. `calls`: the noted calls of both,
    with `side` and `dependency`. `deadline` in seconds.
    """

    rows: pd.DataFrame
    calls: pd.DataFrame
    alone: tuple[int, int]
    deadline: float
    base: Tables
    other: Tables

    def without(self, endpoints: Iterable[str]) -> Pairing:
        """The pairs of other endpoints, and their calls; steps of one side and invariants are not told apart."""
        rows = self.rows[~self.rows["endpoint"].isin(list(endpoints))]
        return replace(self, rows=rows, calls=self.calls[self.calls["key"].isin(set(rows["key"]))])


def pair(base: Path, other: Path, blocks: Mapping[str, int] | None = None) -> Pairing:
    """Pair two run folders; `blocks` has the block of `<user>.<iteration>`, None where there are none: all are one."""
    first, second = open_run(base), open_run(other)
    evidence = [Evidence(tables.build(run), read_experiment(run.experiment)[0], run.run) for run in (first, second)]
    sides = evidence[0].tables, evidence[1].tables
    left, right = (_rows(side, beside, blocks) for side, beside in (evidence, evidence[::-1]))
    both = left.merge(right.drop(columns=["endpoint", "block"]), on="key", suffixes=("_base", "_other"))
    both["free"] = both["control_base"] & both["control_other"]
    alone = len(left) - len(both), len(right) - len(both)
    return Pairing(both, _calls(sides, set(both["key"])), alone, _deadline(first.run), *sides)


def block_of(key: object, blocks: Mapping[str, int] | None) -> int:
    """The block of a request, `WARM_UP` for what is in none, or has no key to be paired by."""
    if not isinstance(key, str):
        return WARM_UP
    return 1 if blocks is None else blocks.get(key.rpartition(".")[0], WARM_UP)


def _rows(side: Evidence, beside: Evidence, blocks: Mapping[str, int] | None) -> pd.DataFrame:
    rows = side.tables.requests.reindex(columns=_COLUMNS)
    rows = rows.assign(hollow=hollow(side, beside), block=[block_of(key, blocks) for key in rows["key"].tolist()])
    rows["ok"] = (rows["ok"] & ~rows["hollow"]) | refused(rows, side.tables.faults)
    return rows[rows["block"] != WARM_UP].drop_duplicates("key", keep="first")


def _calls(sides: tuple[Tables, Tables], keys: set[str]) -> pd.DataFrame:
    named = name_calls(*(side.calls for side in sides))
    found = []
    for side, (read, names) in enumerate(zip(sides, named, strict=True)):
        calls = read.calls[_CALL].assign(dependency=names["dependency"].to_numpy(), side=side)
        found.append(calls[calls["key"].isin(keys)])
    return pd.concat(found, ignore_index=True)


def _deadline(run: Mapping[str, Any]) -> float:
    return float((run.get("load") or {}).get("deadline") or _DEADLINE)
