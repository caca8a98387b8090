"""What programs beside the run took of the machine, stage by stage: what got slower by that is not the service's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chaos_analysis import wording

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from chaos_analysis.evidence import Evidence

MORE = 0.2  # of the machine, or of the time: as much more than in the baseline is taken for a reason of slow answers
HALF = 0.5  # of what they left in the baseline: leaving no more than this is such a reason too


class Taken(NamedTuple):
    """Shares of a stage: of the machine's processor time that others took, and of the time by which a process that
    wants hardly any was late.
    """

    others: float
    late: float


def of_stages(evidence: Evidence) -> dict[str, Taken]:
    """By stage, in the order in which they came; stages that nobody looked at are left out."""
    begun = evidence.rows.groupby("stage", sort=False)["started"].agg(["min", "max"]).sort_values("min")
    found = {}
    for stage, start, end in begun.itertuples():
        taken = _between(evidence.tables.neighbours, float(start), float(end))
        if taken is not None:
            found[str(stage)] = taken
    return found


def crowded(evidence: Evidence, stages: Iterable[str]) -> str:
    """What others took in one of these stages so much more of than in the baseline that slow answers may be their
    doing; "" where they did not, or nobody knows.
    """
    taken = evidence.neighbours
    usual = taken.get("baseline")
    if usual is None:
        return ""
    for stage in stages:
        one = taken.get(stage)
        if one and (one.others - usual.others > MORE or 1 - one.others < HALF * (1 - usual.others)):
            return (
                f"other programs took {wording.percent(one.others)} of the machine in {stage}, "
                f"{wording.percent(usual.others)} in the baseline"
            )
        if one and one.late - usual.late > MORE:
            return (
                f"the machine stood still for {wording.percent(one.late)} of {stage}, "
                f"{wording.percent(usual.late)} of the baseline"
            )
    return ""


def _between(lines: pd.DataFrame, start: float, end: float) -> Taken | None:
    """All lines, each as far as it is of this time."""
    seconds = lines["seconds"].to_numpy(float)
    ended = lines["t"].to_numpy(float)
    inside = np.clip(np.minimum(ended, end) - np.maximum(ended - seconds, start), 0.0, None)
    if not inside.sum():
        return None
    others, late, cores = (lines[name].to_numpy(float) for name in ("others", "late", "cores"))
    share = inside / seconds
    return Taken(
        others=float((share * others).sum() / (inside * cores).sum()), late=float((share * late).sum() / inside.sum())
    )
