"""The map as Markdown, and as one HTML page."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.matrix.picture import finding, said
from chaos_analysis.report import page, pictures
from chaos_analysis.report.markdown import code, table, text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from chaos_analysis.matrix.model import Cell, Matrix, Row

_MEANS = (
    "*fine*: the client got a right answer. *retried*: the call was made again and went well. *degraded*: the answer "
    "is right, but marked or reduced. *wrong*: it says that it is well and is not. *error*: the client got an error. "
    "*hung*: it gave up waiting. *lost*, *crashed*: it got no answer. *unknown*: neither fine nor an error, as far as "
    "can be told, mostly of an answer whose content could not be held against fault-free ones, of which all runs of "
    "the map are looked at. Several words are several outcomes, each with its requests; the percentage is the share of "
    "requests that were harmed (wrong, error, hung, lost, crashed) among those of which it is known, with its 95 % "
    "interval (Wilson); *mean harm* is its mean over a call's faults, with the interval that follows (MOVER). Calls "
    "are in the order of its lower limit, so that one request does not come before eighteen. A report and `map.json` "
    "call *fine* `handled`, and *error* `propagated`."
)


def markdown(matrix: Matrix, picture: str) -> str:
    """The whole page."""
    lines = [
        f"# Chaos map: {text(matrix.name)}",
        "",
        f"{text(finding(matrix))}.",
        "",
        f"![{text(finding(matrix))}]({picture})",
        "",
        f"{_cost(matrix)}. {_met(matrix)}",
        "",
        _MEANS,
        "",
        "## The calls, most lethal first",
        "",
        *_ranking(matrix),
        "",
        "## Every cell",
        "",
    ]
    for route, rows in groupby(matrix.rows, key=lambda row: row.point.route):
        lines += [f"### {text(route)}", "", *_cells(rows), ""]
    return "\n".join(lines)


def _cost(matrix: Matrix) -> str:
    return f"{wording.plural(matrix.requests, 'request')} in {wording.seconds(matrix.seconds)}"


def _met(matrix: Matrix) -> str:
    every = [cell for row in matrix.rows for cell in row.cells if "cannot" not in cell.why]
    met = sum(bool(cell.events) for cell in every)
    alone = "in requests that met nothing else"
    unknown = sum(bool(cell.events) and not cell.harm.n for cell in every)
    more = f" What became of {unknown} of them cannot be told." if unknown else ""
    if met == len(every):
        return f"Each fault met each call alone, {alone}.{more}"
    return f"{met} of {len(every)} faults met their call, each alone, {alone}; of the others nothing is known.{more}"


def html(matrix: Matrix, source: str, picture: Path) -> str:
    """The same with the picture inside."""
    return page.render(f"Chaos map: {matrix.name}", source, pictures.read([picture]))


def _ranking(matrix: Matrix) -> list[str]:
    ranked = sorted((row for row in matrix.rows if row.lethality.n), key=lambda row: -(row.lethality.low or 0.0))
    rows = [
        [
            text(row.point.route),
            code(row.point.dependency),
            code(str(row.point.site)) if row.point.site else "",
            wording.estimate(row.lethality),
            _harmful(row),
        ]
        for row in ranked
    ]
    return table(["endpoint", "call", "at", "mean harm", "faults that harm most requests"], rows).split("\n")


def _harmful(row: Row) -> str:
    return ", ".join(cell.fault for cell in row.cells if (cell.harm.value or 0.0) >= 0.5) or "none"


def _cells(rows: Iterable[Row]) -> list[str]:
    """A line a fault that was met, below one another as any number of faults fits a page; then one for all others."""
    made: list[list[str]] = []
    for row in rows:
        lines = [[cell.fault, _became(cell), _harm(cell)] for cell in row.cells if cell.outcomes]
        for says in ("not met", "n/a"):
            others = [cell.fault for cell in row.cells if not cell.outcomes and _blank(cell) == says]
            lines += [[", ".join(others), says, ""]] if others else []
        site = code(str(row.point.site)) if row.point.site else ""
        names = [[code(row.point.dependency), site], *[["", ""]] * (len(lines) - 1)]
        made += [[*name, *line] for name, line in zip(names, lines, strict=True)]
    return table(["call", "at", "fault", "outcome", "harmed"], made).split("\n")


def _became(cell: Cell) -> str:
    return ", ".join(f"{said(word)} {n}" for word, n in cell.outcomes)


def _harm(cell: Cell) -> str:
    return wording.estimate(cell.harm) if cell.harm.n else ""


def _blank(cell: Cell) -> str:
    return "n/a" if "cannot" in cell.why else "not met"
