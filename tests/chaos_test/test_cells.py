"""The cells of a map, and the experiment that meets them one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chaos_analysis.matrix import Planned, Point
from chaos_test import cells
from chaos_test.map import discovery

if TYPE_CHECKING:
    from chaos_middleware.experiment import Rule


def point(route: str, seam: str, dependency: str) -> Point:
    """A call on a route; where it stands in the source does not matter here."""
    return Point(route, seam, dependency, f"app.py:view {seam} {dependency}", None, 3)


POINTS = (
    point("GET /items/<int:item>", "http_client", "GET 127.0.0.1/stock/<id>"),
    point("GET /items/<int:item>", "database", "SELECT items"),
    point("POST /orders", "http_client", "POST pay.example/payments"),
    point("POST /orders", "database", "COMMIT sqlite"),
    point("POST /orders", "database", "ROLLBACK sqlite"),
    point("GET /", "cache", "GET 127.0.0.1 page:<id>"),
)


def planned() -> tuple[tuple[Planned, ...], dict[str, Any]]:
    """Every fault of every call."""
    engine = cells.engine(POINTS)
    every = [(at, way) for at, each in enumerate(POINTS) for way in cells.ways(each, engine)]
    found = tuple(Planned(f"cell-{n}", at, way.label) for n, (at, way) in enumerate(every))
    return found, {cell.rule: way for cell, (_, way) in zip(found, every, strict=True)}


def labels(at: int) -> list[str]:
    """The faults of a point."""
    return [way.label for way in cells.ways(POINTS[at], cells.engine(POINTS))]


def test_each_call_has_the_faults_that_make_sense_there() -> None:
    """An answer can be lost only where something was done; what surrounds statements has none."""
    assert "answer lost" not in labels(0)
    assert "answer lost" in labels(2)
    assert labels(1) == ["slow", "conflict", "disk error"]
    assert labels(3) == ["slow", "conflict", "disk error"]
    assert labels(4) == []
    assert {"miss", "stale", "refused"} <= set(labels(5))


def test_a_server_can_be_lost_and_a_file_only_its_disk() -> None:
    """The same kind of fault is named for what it is; only of a commit that a server makes can the answer be lost."""
    for engine in ("postgresql", "mysql", ""):
        assert [way.label for way in cells.ways(POINTS[1], engine)] == ["slow", "conflict", "reset"]
        assert [way.label for way in cells.ways(POINTS[3], engine)] == ["slow", "conflict", "reset", "answer lost"]
    for at in (1, 3):
        (way,) = (way for way in cells.ways(POINTS[at], "sqlite") if way.label == "disk error")
        assert way.fault == {"type": "statement_error", "kind": "disconnect"}


def test_a_conflict_is_what_the_database_calls_one() -> None:
    """The engine is told by the ends of its transactions."""
    assert cells.engine(POINTS) == "sqlite"
    for engine, kind in (("sqlite", "locked"), ("postgresql", "serialization_failure"), ("", "serialization_failure")):
        (way,) = (way for way in cells.ways(POINTS[1], engine) if way.label == "conflict")
        assert way.fault["kind"] == kind


def test_a_route_meets_one_fault_at_a_time() -> None:
    """In each stage at most one of its rules has a rate, each of them in some, and some stages have none."""
    found, ways = planned()
    experiment = cells.experiment(found, POINTS, ways, seed=1, name="test").value
    assert sum(stage.share or 0 for stage in experiment.stages) == pytest.approx(1)
    for route in ("/items/*", "/orders", "/"):
        rules = [rule for rule in experiment.rules if rule.match.route == (route,)]
        active = [_active(rules, stage.name) for stage in experiment.stages]
        assert rules
        assert max(map(len, active)) == 1
        assert {name for names in active for name in names} == {rule.name for rule in rules}
        assert sum(not names for names in active) >= len(active) // 6


def _active(rules: list[Rule], stage: str) -> list[str]:
    return [rule.name for rule in rules if rule.rate_in(stage) > 0]


def test_rules_match_their_own_call() -> None:
    """By what their seam can match on, with variable parts as globs."""
    found, ways = planned()
    experiment = cells.experiment(found, POINTS, ways, seed=1, name="test").value
    facts = {found[n].point: rule.match.facts for n, rule in enumerate(experiment.rules)}
    assert facts[0] == (("GET",), ("127.0.0.1",), ("/stock/*",))
    assert facts[1][:2] == (("SELECT",), ("items",))
    assert facts[3][:2] == (("COMMIT",), ())
    assert facts[5] == (("GET",), ("page:*",), ("127.0.0.1",))
    assert {rule.persistence for rule in experiment.rules} == {"request"}


def test_without_cells_there_is_a_stage_without_faults() -> None:
    """What finds the calls in the first place."""
    experiment = cells.experiment((), (), {}, seed=1, name="test").value
    assert (len(experiment.stages), experiment.rules, experiment.call_share) == (1, (), 1.0)


def test_each_call_has_its_first_fault_before_any_has_many() -> None:
    """The calls take turns, what was met least comes first, and a call that one before it shadows comes last."""
    again = point("POST /orders", "database", "COMMIT sqlite")
    points = (*POINTS[:4], again)
    found = tuple(Planned(f"{at}-{n}", at, "slow") for at in range(5) for n in range(2 + (at == 2)))
    order = [cell.rule for cell in cells.in_turn(found, points, {})]
    assert order == ["0-0", "1-0", "2-0", "3-0", "0-1", "1-1", "2-1", "3-1", "2-2", "4-0", "4-1"]
    met = {cell.rule: 1 for cell in found if cell.rule.startswith("0")}
    order = [cell.rule for cell in cells.in_turn(found, points, met)]
    assert order[-4:] == ["0-0", "0-1", "4-0", "4-1"]


@pytest.mark.parametrize(("budget", "first"), [(800, 120), (500, 75), (160, 60), (80, 40), (1, 1)])
def test_looking_for_the_calls_is_part_of_the_budget(budget: int, first: int) -> None:
    """It leaves half of a small one for the faults."""
    assert discovery(budget) == first
