"""From a map folder to the map: `map.json`, the picture, and the page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from chaos_analysis.errors import RunFolderError
from chaos_analysis.matrix import page, picture
from chaos_analysis.matrix.model import HARM, Cell, Matrix, Planned, Point, Row
from chaos_analysis.matrix.seen import seen
from chaos_analysis.model import Estimate, Site, to_json
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping
    from pathlib import Path

_NOT_MET = "not exercised: no request came to it"
_SHADOWED = "not exercised: a call like it, earlier on the same route, meets the fault first"
_IMPOSSIBLE = "this driver cannot have this fault"


def chart(folder: Path) -> Matrix:
    """Read what the map folder has, write the map into it, and return it; raises `AnalysisError`."""
    plan = _read(folder / "cells.json")
    found = [Point(**{**point, "site": Site(**point["site"]) if point["site"] else None}) for point in plan["points"]]
    planned = [Planned(**cell) for cell in plan["cells"]]
    met = seen(folder, plan["batches"], planned, found)
    rows = [_row(number, planned, met, found) for number in range(len(found))]
    rows = [row for row in rows if row.cells]
    matrix = Matrix(
        name=plan["name"],
        faults=tuple(plan["faults"]),
        rows=_ranked(rows),
        requests=plan["spent"],
        seconds=plan["seconds"],
    )
    _write(folder / "map.json", json.dumps({"version": 1, **to_json(matrix)}, indent=1) + "\n")
    drawn = picture.write(matrix, folder / "chaos-map.png")
    markdown = page.markdown(matrix, drawn.name)
    _write(folder / "chaos-map.md", markdown)
    _write(folder / "chaos-map.html", page.html(matrix, markdown, drawn))
    return matrix


def _read(file: Path) -> dict[str, Any]:
    try:
        plan: dict[str, Any] = json.loads(file.read_bytes())
    except OSError as error:
        raise RunFolderError(f"{file}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise RunFolderError(f"{file}: not JSON; expected the plan of a map") from None
    if not isinstance(plan, dict) or plan.get("version") != 1:
        raise RunFolderError(f"{file}: not the plan of a map, version 1")
    return plan


def _row(number: int, planned: list[Planned], met: Mapping[str, Counter[str]], points: list[Point]) -> Row:
    point = points[number]
    twins = [each for each in points[:number] if _alike(each) == _alike(point)]
    missed = _SHADOWED if twins else _NOT_MET
    cells = tuple(_cell(cell, met[cell.rule], missed) for cell in planned if cell.point == number)
    return Row(point, cells, _mean([cell.harm for cell in cells]))


def _mean(shares: list[Estimate]) -> Estimate:
    """The mean of independent shares; its limits are as far from it as theirs from them, squared and added up (MOVER:
    Zou, Huang, Zhang 2009).
    """
    told = np.array([(one.value, one.low, one.high) for one in shares if one.n], dtype=float)
    if not len(told):
        return proportion(0, 0)
    values, lows, highs = told.T
    mean, n = float(values.mean()), len(told)
    below, above = (float(np.linalg.norm(reach)) / n for reach in (values - lows, highs - values))
    return Estimate(mean, max(0.0, mean - below), min(1.0, mean + above), sum(one.n for one in shares), "probability")


def _alike(point: Point) -> tuple[str, str, str]:
    return point.route, point.seam, point.dependency


def _cell(planned: Planned, met: Counter[str], missed: str) -> Cell:
    impossible = met.get("impossible", 0)
    counts = tuple((word, n) for word, n in met.most_common() if word != "impossible")
    known = sum(n for word, n in counts if word != "unknown")
    harm = sum(n for word, n in counts if word in HARM)
    why = "" if counts else _IMPOSSIBLE if impossible else missed
    return Cell(planned.fault, sum(n for _, n in counts), counts, proportion(harm, known), why)


def _ranked(rows: list[Row]) -> tuple[Row, ...]:
    """Routes together, the one with the most lethal call first; within a route likewise.

    By the lower limits: what a single request showed does not come before what eighteen did.
    """
    worst: dict[str, float] = {}
    for row in rows:
        worst[row.point.route] = max(worst.get(row.point.route, -1.0), _lethality(row))
    return tuple(sorted(rows, key=lambda row: (-worst[row.point.route], row.point.route, -_lethality(row))))


def _lethality(row: Row) -> float:
    return -1.0 if row.lethality.low is None else row.lethality.low


def _write(path: Path, content: str) -> None:
    partial = path.with_name(f"{path.name}.part")
    partial.write_text(content, encoding="utf-8")
    partial.replace(path)
