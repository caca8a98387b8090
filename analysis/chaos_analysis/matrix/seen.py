"""What a batch's requests did with each planned cell."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chaos_analysis import outcomes, tables
from chaos_analysis.evidence import Evidence, read_experiment
from chaos_analysis.rundir import open_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chaos_analysis.matrix.model import Planned, Point

Seen = dict[str, Counter[str]]


def seen(folder: Path, batches: Sequence[str], planned: Sequence[Planned], points: Sequence[Point]) -> Seen:
    """For each rule of these batches of a map folder the outcomes of the events at its own point that were the only
    ones of their request.

    Answers are held against the fault-free ones of the discovery and of all batches together.
    """
    at: dict[str, Point] = {cell.rule: points[cell.point] for cell in planned}
    found: Seen = {cell.rule: Counter() for cell in planned}
    every = [_read(folder / name) for name in ("discovery", *batches)]
    for number, batch in enumerate(every[1:], 1):
        for rule, words in _of(batch, [*every[:number], *every[number + 1 :]], at).items():
            found[rule] += words
    return found


def _read(run_dir: Path) -> Evidence:
    run = open_run(run_dir)
    experiment, _ = read_experiment(run.experiment)
    return Evidence(tables.build(run), experiment, run.run)


def _of(batch: Evidence, others: Sequence[Evidence], at: Mapping[str, Point]) -> Seen:
    table = outcomes.table(batch, batch.proven, others, compared=True)
    found: Seen = {}
    alone = table[table["alone"]]
    columns = (alone[name].tolist() for name in ("rule", "route", "call", "outcome", "why"))
    for rule, route, call, outcome, why in zip(*columns, strict=True):
        point = at.get(rule)
        if point is not None and (point.route, point.call) == (route, call):
            word = "impossible" if why == "the fault could not act here" else outcome
            found.setdefault(rule, Counter())[word] += 1
    return found
