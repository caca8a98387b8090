"""What a batch's requests did with each planned cell."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chaos_analysis import tables
from chaos_analysis.evidence import Evidence, read_experiment
from chaos_analysis.rundir import open_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chaos_analysis.matrix.model import Planned, Point

Seen = dict[str, Counter[str]]


def seen(batches: Sequence[Path], planned: Sequence[Planned], points: Sequence[Point]) -> Seen:
    """For each rule the outcomes of the events at its own point that were the only ones of their request."""
    at: dict[str, Point] = {cell.rule: points[cell.point] for cell in planned}
    found: Seen = {cell.rule: Counter() for cell in planned}
    for batch in batches:
        for rule, outcomes in _of(batch, at).items():
            found[rule] += outcomes
    return found


def _of(batch: Path, at: Mapping[str, Point]) -> Seen:
    run = open_run(batch)
    experiment, _ = read_experiment(run.experiment)
    table = Evidence(tables.build(run), experiment, run.run).outcomes
    found: Seen = {}
    alone = table[table["alone"]]
    columns = (alone[name].tolist() for name in ("rule", "route", "call", "outcome", "why"))
    for rule, route, call, outcome, why in zip(*columns, strict=True):
        point = at.get(rule)
        if point is not None and (point.route, point.call) == (route, call):
            word = "impossible" if why == "the fault could not act here" else outcome
            found.setdefault(rule, Counter())[word] += 1
    return found
