"""What the run measured for each objective.

An objective without a stage judges the fault-free stages, baseline and recovery: faults are there to find weak
places, not to break a promise. It is broken only where the whole 95 % interval lies beyond the limit, since a few
unlucky requests prove nothing; it is held where the figure itself keeps the limit; else there is no judgement.
Latencies are those of successful requests.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import numpy as np

from chaos_analysis import wording
from chaos_analysis.model import Estimate, SloResult
from chaos_analysis.stats import proportion, quantile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from chaos_analysis.slo import Slo

_SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_FAULT_FREE = ("baseline", "recovery")


def judge(slos: Iterable[Slo], requests: pd.DataFrame) -> tuple[SloResult, ...]:
    """What was measured for each objective, a result a stage that it judges."""
    every = requests[["endpoint", "ok", "response_ms"]]
    by_stage = {str(stage): every.iloc[places] for stage, places in requests.groupby("stage").indices.items()}
    return tuple(result for slo in slos for result in _judge(slo, by_stage, every.iloc[:0]))


def _judge(slo: Slo, by_stage: Mapping[str, pd.DataFrame], nothing: pd.DataFrame) -> list[SloResult]:
    stages = [slo.stage] if slo.stage else [stage for stage in _FAULT_FREE if stage in by_stage]
    if not stages:
        unknown = Estimate(None, None, None, 0, "probability" if slo.quantile is None else "ms")
        reason = "the run has no baseline and no recovery; name a stage, e.g. 'in chaos'"
        return [SloResult(slo.expression, "baseline", slo.endpoint, unknown, None, f"not judged: {reason}")]
    return [_in_stage(slo, stage, by_stage.get(stage, nothing)) for stage in stages]


def _in_stage(slo: Slo, stage: str, rows: pd.DataFrame) -> SloResult:
    measured = _measure(slo, rows[rows["endpoint"] == slo.endpoint] if slo.endpoint else rows)
    held = _held(slo, measured)
    return SloResult(slo.expression, stage, slo.endpoint, measured, held, _summary(slo, stage, measured, held))


def _measure(slo: Slo, rows: pd.DataFrame) -> Estimate:
    ok = rows["ok"].to_numpy(bool)
    if slo.quantile is not None:
        times = rows["response_ms"].to_numpy()[ok]
        return quantile(np.sort(times[~np.isnan(times)]), slo.quantile)
    hits = int(ok.sum())
    return proportion(hits if slo.metric == "success_rate" else len(ok) - hits, len(ok))


def _held(slo: Slo, measured: Estimate) -> bool | None:
    keeps = _SIGNS[slo.sign]
    if measured.value is None:
        return None
    if keeps(measured.value, slo.limit):
        return True
    nearest = measured.low if slo.sign.startswith("<") else measured.high
    return None if nearest is not None and keeps(nearest, slo.limit) else False


def _summary(slo: Slo, stage: str, measured: Estimate, held: bool | None) -> str:  # noqa: FBT001 - three-valued
    where = f"in {stage}" + (f" at {slo.endpoint}" if slo.endpoint else "")
    if measured.n == 0:
        return f"not judged: no {'successful ' if slo.quantile else ''}request {where}"
    if measured.value is None:
        return f"not judged: {slo.metric} needs {measured.need} successful requests {where}, there are {measured.n}"
    figure = f"{wording.estimate(measured)} {where}, {wording.plural(measured.n, 'request')}"
    if held is None:
        return f"undecided: {figure}; the interval reaches the limit, so more requests are needed"
    return f"{'held' if held else 'broken'}: {figure}"
