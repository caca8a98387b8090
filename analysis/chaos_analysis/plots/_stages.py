"""What the plots compare: a run before, during and after its faults; faults at the edge and elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from chaos_analysis.model import Tables

BEFORE, AFTER = "baseline", "recovery"


class Span(NamedTuple):
    """A stage on the time axis, in seconds since the first request."""

    name: str
    start: float
    end: float

    @property
    def on(self) -> bool:
        """Whether faults may be injected in it."""
        return self.name not in {BEFORE, AFTER}


def faults_on(requests: pd.DataFrame) -> pd.Series[bool]:
    """Which rows belong to a stage in which faults may be injected."""
    return ~requests["stage"].isin([BEFORE, AFTER])


def split(requests: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The requests before, during and after the faults."""
    stage = requests["stage"]
    return requests[stage == BEFORE], requests[faults_on(requests)], requests[stage == AFTER]


def edge_rules(experiment: Mapping[str, Any]) -> list[str]:
    """The rules at the `wsgi` seam: the app's own code cannot handle what they do."""
    return [str(rule.get("name")) for rule in experiment.get("rules") or [] if rule.get("seam") == "wsgi"]


def spans(tables: Tables) -> list[Span]:
    """The stages in order; each begins where the one before ended, as users may change over at different moments."""
    requests, stages = tables.requests, tables.stages
    if len(stages) and len(requests):
        zero = float(requests["started"].min())
        parts = stages.groupby("name", sort=False)
        starts, ends = parts["started"].min() - zero, parts["ended"].max() - zero
    elif len(requests):
        seconds = requests.groupby("stage", sort=False)["second"]
        starts, ends = seconds.min(), seconds.max()
    else:
        return []
    made: list[Span] = []
    for start, end, name in sorted(zip(starts, ends, starts.index, strict=True)):
        begins = max(start, made[-1].end if made else 0.0)
        made.append(Span(str(name), begins, max(end, begins)))
    return made
