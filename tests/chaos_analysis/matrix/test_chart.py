"""The map: planned cells, what their requests met, and the files that come of it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import chaos_analysis
from chaos_analysis import matrix, wording
from chaos_analysis.errors import RunFolderError
from chaos_analysis.matrix import Planned, page, picture
from chaos_analysis.matrix.chart import _mean, _ranked
from chaos_analysis.stats import proportion
from tests.chaos_analysis import world
from tests.chaos_analysis.run_folder import write_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.matrix import Cell, Matrix
    from tests.chaos_analysis.world import Truth

    MakeRun = Callable[..., tuple[Path, Truth]]

SCHEMA = json.loads((Path(chaos_analysis.__file__).parent / "schemas" / "map.schema.json").read_text())
RULES = ({**world.FARES_DOWN, "rate": 0.2}, {**world.PAYMENTS_503, "rate": 0.2})


def folder_of(make_run: MakeRun) -> tuple[Path, dict[str, Any]]:
    """A map folder with one batch, in which two rules were cells of two calls and a third was met by nobody."""
    batch, _ = make_run(requests=1200, rules=RULES, sampled=1.0)
    write_run(batch.with_name("discovery"), world.World(requests=60, rules=(), sampled=1.0))
    points = matrix.points(batch)
    names = [f"{point.route} {point.dependency}" for point in points]
    fares = next(n for n, name in enumerate(names) if name.startswith("GET /api/destinations GET"))
    payments = next(n for n, name in enumerate(names) if "payments" in name)
    cells = [Planned("fares-down", fares, "reset"), Planned("payments-503", payments, "503")]
    cells += [Planned("never", payments, "slow")]
    plan = {"version": 1, "name": "planner", "points": [asdict(point) for point in points]}
    plan |= {"cells": [asdict(cell) for cell in cells], "faults": ["slow", "reset", "503"]}
    plan |= {"batches": [batch.name], "spent": 1200, "seconds": 20.5}
    (batch.parent / "cells.json").write_text(json.dumps(plan))
    return batch.parent, plan


def test_each_cell_says_what_became_of_its_fault(make_run: MakeRun) -> None:
    """Outcomes with their share of harm; a cell that nobody met says so; calls without cells are left out."""
    folder, _ = folder_of(make_run)
    drawn = matrix.chart(folder)
    assert {row.point.route for row in drawn.rows} == {"GET /api/destinations", "POST /api/bookings"}
    cells = {cell.fault: cell for row in drawn.rows for cell in row.cells}
    for fault in ("reset", "503"):
        assert cells[fault].word == "propagated"
        assert cells[fault].events > 10
        assert cells[fault].harm.value == 1.0
    assert (cells["slow"].events, cells["slow"].word) == (0, "")
    assert cells["slow"].why.startswith("not exercised")
    assert all(row.lethality.value == 1.0 for row in drawn.rows)


def test_what_is_written_is_whole(make_run: MakeRun) -> None:
    """`map.json` keeps its schema, the page has the picture inside, and the picture's title is the finding."""
    folder, _ = folder_of(make_run)
    matrix.chart(folder)
    jsonschema.validate(json.loads((folder / "map.json").read_text()), SCHEMA)
    html, markdown = (folder / "chaos-map.html").read_text(), (folder / "chaos-map.md").read_text()
    assert "2 of 2 ways to break a call of planner reach its clients" in markdown
    assert "![2 of 2 ways" in markdown
    assert "data:image/png;base64" in html
    assert "not met" in markdown
    assert "2 of 3 faults met their call, each alone" in markdown
    assert b"2 of 2 ways to break a call" in (folder / "chaos-map.png").read_bytes()


def test_picture_and_page_use_the_same_words(make_run: MakeRun) -> None:
    """Those that the page explains; its tables have a line a fault, and one for all that were not met."""
    folder, _ = folder_of(make_run)
    drawn = matrix.chart(folder)
    tables = (folder / "chaos-map.md").read_text().split("## Every cell")[1]
    cells = {cell.fault: cell for row in drawn.rows for cell in row.cells}
    assert f"| reset | error {cells['reset'].events} | 100 % (" in tables
    assert "| slow | not met |" in tables
    assert "propagated" not in tables
    assert "error" in _words(drawn)


def test_a_cell_of_few_requests_is_an_outline(make_run: MakeRun) -> None:
    """One request does not look like eighteen, and each cell says how many it had."""
    drawn = matrix.chart(folder_of(make_run)[0])
    (row,) = (row for row in drawn.rows if any(cell.fault == "reset" for cell in row.cells))
    one, many = (replace(row.cells[0], events=n, outcomes=(("propagated", n),)) for n in (1, 18))
    assert [_looks(cell) for cell in (one, many)] == [("white", "1"), ("#d55e00", "18")]
    mixed = replace(row.cells[0], events=9, outcomes=(("propagated", 7), ("handled", 2)))
    assert _looks(mixed) == ("#d55e00", "7 of 9")


def test_unknown_looks_like_nothing_else(make_run: MakeRun) -> None:
    """Its cell is hatched, no other is; the page counts such cells."""
    drawn = matrix.chart(folder_of(make_run)[0])
    cell = next(cell for row in drawn.rows for cell in row.cells if cell.fault == "reset")
    unknown = replace(cell, outcomes=(("unknown", cell.events),), harm=proportion(0, 0))
    axes = Figure().subplots()
    for each in (unknown, cell, replace(cell, outcomes=(("handled", cell.events),))):
        picture._tile(axes, 0, 0, each)
    assert [bool(box.get_hatch()) for box in axes.patches] == [True, False, False]
    rows = tuple(replace(row, cells=tuple(unknown if one is cell else one for one in row.cells)) for row in drawn.rows)
    told = page.markdown(replace(drawn, rows=rows), "chaos-map.png")
    assert "What became of 1 of them cannot be told." in told
    assert "cannot be told. " not in page.markdown(drawn, "chaos-map.png").split("*fine*")[0]


def _looks(cell: Cell) -> tuple[str, str]:
    """The ground of a cell, and what stands below its word."""
    axes = Figure().subplots()
    picture._tile(axes, 0, 0, cell)
    (box,), (_, many) = axes.patches, axes.texts
    face = box.get_facecolor()
    return "white" if to_hex(face) == "#ffffff" else to_hex(face), many.get_text()


def _words(drawn: Matrix) -> set[str]:
    axes = Figure().subplots()
    for cell in (cell for row in drawn.rows for cell in row.cells):
        picture._tile(axes, 0, 0, cell)
    return {text.get_text() for text in axes.texts}


def test_a_route_with_a_variable_part_is_no_link(make_run: MakeRun) -> None:
    """`<int:number>` stands in the finding as it is, where Markdown would take it for an address."""
    folder, plan = folder_of(make_run)
    harmed = plan["points"][plan["cells"][0]["point"]]["route"]
    drawn = matrix.chart(folder)
    rows = tuple(replace(row, point=replace(row.point, route=f"{harmed}/<int:number>")) for row in drawn.rows)
    markdown = page.markdown(replace(drawn, rows=rows), "chaos-map.png")
    assert "/\\<int:number>" in markdown
    assert "<a href=" not in page.html(replace(drawn, rows=rows), markdown, folder / "chaos-map.png").split("<h1", 1)[1]


def test_the_most_lethal_is_named_where_it_is_one(make_run: MakeRun) -> None:
    """Several that are equal are counted, as none of them is the most lethal."""
    drawn = matrix.chart(folder_of(make_run)[0])
    first, *others = drawn.rows
    name = f"{first.point.dependency} under {first.point.route}"
    share = wording.estimate(first.lethality)
    assert share.startswith("100 % (")
    assert picture.finding(drawn).endswith(f"{name} is the most lethal, at {share}")
    equal = replace(drawn, rows=(first, *(replace(row, lethality=first.lethality) for row in others)))
    assert picture.finding(equal).endswith(f"; 2 calls are the most lethal, at {share}")


def test_one_request_does_not_come_before_many(make_run: MakeRun) -> None:
    """Calls are in the order of what is certain of their mean harm, which is shown with its interval."""
    folder, _ = folder_of(make_run)
    first, second = matrix.chart(folder).rows
    shares = {"one": [proportion(1, 1)], "many": [proportion(18, 18), proportion(1, 18)]}
    one, many = (replace(row, lethality=_mean(of)) for row, of in zip((first, second), shares.values(), strict=True))
    assert (one.lethality.value, many.lethality.value) == (1.0, pytest.approx(19 / 36))
    assert [row.point for row in _ranked([one, many])] == [many.point, one.point]
    drawn = replace(matrix.chart(folder), rows=(many, one))
    assert "| 100 % (2.5-100) |" in page.markdown(drawn, "chaos-map.png")


def test_a_mean_of_shares_is_as_certain_as_they_are() -> None:
    """Of one it is that one's interval; of equal ones it narrows by the root of their number; of none it is unknown."""
    one = proportion(9, 18)
    assert _mean([one]) == one
    four = _mean([one] * 4)
    assert one.low is not None
    assert (four.value, four.low, four.n) == (0.5, pytest.approx(0.5 - (0.5 - one.low) / 2), 72)
    assert _mean([proportion(0, 0)]).value is None


def test_a_call_behind_one_like_it_is_told_apart(make_run: MakeRun) -> None:
    """A second COMMIT on a route cannot have a rule of its own: the first one meets the fault."""
    folder, plan = folder_of(make_run)
    twin = plan["cells"][1]["point"]
    plan["points"].append({**plan["points"][twin], "call": "again #2"})
    plan["cells"].append(asdict(Planned("second", len(plan["points"]) - 1, "503")))
    (folder / "cells.json").write_text(json.dumps(plan))
    (row,) = (row for row in matrix.chart(folder).rows if row.point.call == "again #2")
    assert "earlier on the same route" in row.cells[0].why


@pytest.mark.parametrize(("text", "said"), [("{", "not JSON"), ("[]", "not the plan of a map")])
def test_a_folder_that_holds_no_map_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """In one sentence that names the file."""
    (tmp_path / "cells.json").write_text(text)
    with pytest.raises(RunFolderError, match=f"cells.json: {said}"):
        matrix.chart(tmp_path)
