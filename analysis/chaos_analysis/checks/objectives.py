"""Has each objective something to be judged by? A misspelt path has not, and would pass for a promise that was kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.model import Check
from chaos_middleware.experiment import FAULT_FREE_STAGES

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence


def check(evidence: Evidence) -> Check:
    """An objective that no request can judge makes the run invalid.

    One without a stage, in a run without fault-free stages, is left out: the experiment's own may be so.
    """
    present = set(evidence.rows["stage"].unique())
    fault_free = present & set(FAULT_FREE_STAGES)
    asked = [slo for slo in evidence.objectives if present and (slo.stage or fault_free)]
    if not asked:
        return Check("objectives", ok=None, summary="no objective could be asked")
    judged = [[result for result in evidence.judged if result.expression == slo.expression] for slo in asked]
    empty = [f"{r[0].expression} is {r[0].summary}" for r in judged if not any(each.measured.n for each in r)]
    if empty:
        return Check("objectives", ok=False, summary="; ".join(empty))
    return Check("objectives", ok=True, summary="every objective has requests to be judged by")
