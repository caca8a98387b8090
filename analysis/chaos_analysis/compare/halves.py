"""A run against itself: its iterations in two halves by chance, and like requests of both halves as pairs.

Like means: the same endpoint, stage, and rules met. Nothing differs between the halves but chance, and what requests of
one iteration have in common stays together; so whatever such a comparison finds is a false alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chaos_analysis import tables
from chaos_analysis.effect.figures import Pairs
from chaos_analysis.effect.hollow import hollow
from chaos_analysis.evidence import Evidence, read_experiment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chaos_analysis.rundir import RunDir

WINDOWS = 6  # of time: they are the blocks, as those of a replay
_DEADLINE = 10.0
_HALF = 0.5


@dataclass(frozen=True)
class Recorded:
    """A run's requests in the order of like ones, and of time among them; one value a request.

    `like` and `iteration` are numbers; `chaos`: of a stage that injects; `failed`: met a fault by which most of those
    like it failed; `deadline` in seconds.
    """

    like: NDArray[np.int_]
    iteration: NDArray[np.int_]
    block: NDArray[np.int_]
    ok: NDArray[np.bool_]
    ms: NDArray[np.float64]
    free: NDArray[np.bool_]
    chaos: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    endpoint: NDArray[np.object_]
    rule: NDArray[np.object_]
    deadline: float

    def __len__(self) -> int:
        return len(self.like)


def recorded(run: RunDir) -> Recorded:
    """The requests of a run; answers that are good in appearance only count as failures."""
    evidence = Evidence(tables.build(run), read_experiment(run.experiment)[0], run.run)
    rows = evidence.tables.requests
    rows = rows.assign(ok=rows["ok"].to_numpy(bool) & ~hollow(evidence), iteration=_iterations(rows["key"]))
    rows = rows.sort_values("started", kind="stable", ignore_index=True)
    like = rows.groupby(["endpoint", "stage", "rules"], sort=False).ngroup().to_numpy(int)
    rows = rows.assign(like=like, block=np.arange(len(rows)) * WINDOWS // max(len(rows), 1))
    return of_rows(rows.assign(chaos=rows["stage"].isin(evidence.fault_stages)), _deadline(run))


def of_rows(rows: pd.DataFrame, deadline: float) -> Recorded:
    """From columns of the names that `Recorded` has (`response_ms` for `ms`, `control` for `free`), in time's order."""
    rows = rows.sort_values("like", kind="stable")
    most_fail = rows["ok"].groupby(rows["like"]).transform("mean") < _HALF
    return Recorded(
        like=rows["like"].to_numpy(int),
        iteration=rows["iteration"].to_numpy(int),
        block=rows["block"].to_numpy(int),
        ok=rows["ok"].to_numpy(bool),
        ms=rows["response_ms"].to_numpy(float),
        free=rows["control"].to_numpy(bool),
        chaos=rows["chaos"].to_numpy(bool),
        failed=(most_fail & rows["chaos"] & ~rows["control"]).to_numpy(bool),
        endpoint=rows["endpoint"].to_numpy(object),
        rule=rows["rule"].to_numpy(object),
        deadline=deadline,
    )


def halves(of: Recorded, dice: np.random.Generator) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Two sides of one drawing: which requests are each other's partners, by their places."""
    second = dice.random(of.iteration.max(initial=-1) + 1)[of.iteration] < 0.5
    sizes = np.bincount(of.like)
    counts = np.bincount(of.like, weights=second).astype(int)
    most = np.minimum(counts, sizes - counts)
    return tuple(_first(of.like, side, most) for side in (~second, second))  # type: ignore[return-value]


def pairs(of: Recorded, base: NDArray[np.int_], other: NDArray[np.int_]) -> Pairs:
    """Partners as they are judged; a pair's block is the first one's."""
    return Pairs(
        ok_base=of.ok[base],
        ok_other=of.ok[other],
        ms_base=of.ms[base],
        ms_other=of.ms[other],
        free=of.free[base],
        block=of.block[base],
        iteration_base=of.iteration[base],
        iteration_other=of.iteration[other],
        deadline=of.deadline,
    )


def _first(like: NDArray[np.int_], side: NDArray[np.bool_], most: NDArray[np.int_]) -> NDArray[np.int_]:
    """The places of one side, of each kind as many as the other side has too."""
    places = np.flatnonzero(side)
    kinds = like[places]
    starts = np.searchsorted(kinds, np.arange(len(most)))
    rank = np.arange(len(places)) - starts[kinds]
    chosen: NDArray[np.int_] = places[rank < most[kinds]]
    return chosen


def _iterations(keys: pd.Series[str]) -> NDArray[np.int_]:
    return pd.factorize(keys.astype(str).str.rsplit(".", n=1).str[0])[0]


def _deadline(run: RunDir) -> float:
    return float((run.run.get("load") or {}).get("deadline") or _DEADLINE)
