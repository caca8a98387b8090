"""The injection points that a run without faults came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import tables
from chaos_analysis.evidence import Evidence
from chaos_analysis.matrix.model import Point
from chaos_analysis.patterns._words import site
from chaos_analysis.rundir import open_run

if TYPE_CHECKING:
    from pathlib import Path


def points(run_dir: Path) -> tuple[Point, ...]:
    """One point a route and call, in the order of the routes and of the source; raises `AnalysisError`.

    The run must have noted all of its calls.
    """
    run = open_run(run_dir)
    evidence = Evidence(tables.build(run), None, run.run)
    calls = evidence.tables.calls.reset_index(drop=True)
    _, named = evidence.call_names
    table = calls[["route", "seam", "file", "line", "function"]].join(named[["dependency", "call"]])
    found = []
    for (route, call), rows in table.groupby(["route", "call"], sort=False):
        first = rows.iloc[0]
        where = site(first["file"], first["line"], first["function"])
        found.append(Point(str(route), str(first["seam"]), str(first["dependency"]), str(call), where, len(rows)))
    return tuple(sorted(found, key=_order))


def _order(point: Point) -> tuple[str, str, str, int, str]:
    method, _, path = point.route.partition(" ")
    place = (point.site.file, point.site.line) if point.site else ("", 0)
    return path, method, *place, point.call
