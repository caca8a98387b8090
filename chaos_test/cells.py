"""The cells of a map: which faults meet which call, and an experiment in which each of them does so alone.

Requests of one route meet the faults of its calls in turn: a stage names one cell of each route, iterations get the
stages in turn, and a share of the stages names none, for comparison.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from chaos_middleware.experiment import parse
from chaos_test.experiment import Prepared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chaos_analysis.matrix import Planned, Point

SECONDS = 1.0  # of delays: longer than anybody likes to wait, and shorter than clients give up
_GIVE_UP = 2.0  # seconds, for callers without a timeout
_FREE = 3  # one stage in so many is without a fault
_NOTHING_TO_LOSE = ("GET ", "HEAD ", "OPTIONS ")
_VARIABLE = re.compile(r"<[^>]*>|\*")


@dataclass(frozen=True)
class Way:
    """A fault as the map has it: `label` is its column."""

    label: str
    fault: Mapping[str, Any]
    phase: str = "before"


_SLOW = Way("slow", {"type": "latency", "seconds": SECONDS})
_CONNECTION = (
    Way("refused", {"type": "connection_refused"}),
    Way("unreachable", {"type": "connect_timeout", "give_up": _GIVE_UP}),
    Way("reset", {"type": "connection_reset"}),
    Way("no answer", {"type": "read_timeout", "give_up": _GIVE_UP}),
)
_LOST = Way("answer lost", {"type": "connection_reset"}, phase="after")
_HTTP = (
    _SLOW,
    *_CONNECTION,
    Way("503", {"type": "http_error"}),
    Way("cut short", {"type": "truncated_body"}),
    Way("garbage", {"type": "garbage_body"}),
)
_CACHE = (
    _SLOW,
    *_CONNECTION,
    Way("garbage", {"type": "garbage_body"}),
    Way("miss", {"type": "cache_miss"}),
    Way("stale", {"type": "stale_value"}),
)
_CONFLICTS = {"sqlite": "locked", "mysql": "deadlock"}
_DISCONNECT = {"type": "statement_error", "kind": "disconnect"}
_AROUND = ("BEGIN", "CHECKOUT", "RELEASE", "ROLLBACK", "ROLLBACK_TO", "SAVEPOINT")


def ways(point: Point, engine: str) -> tuple[Way, ...]:
    """The faults that can befall a call; `engine` is what the app's database is. None for what only surrounds
    statements.
    """
    if point.seam == "http_client":
        return _HTTP if point.dependency.startswith(_NOTHING_TO_LOSE) else (*_HTTP, _LOST)
    if point.seam == "cache":
        return _CACHE
    verb = point.dependency.partition(" ")[0]
    if point.seam != "database" or verb in _AROUND:
        return ()
    conflict = {"type": "statement_error", "kind": _CONFLICTS.get(engine, "serialization_failure")}
    found = (Way("slow", {"type": "slow_statement", "seconds": SECONDS}), Way("conflict", conflict))
    if engine == "sqlite":  # a file has no connection to lose
        return (*found, Way("disk error", _DISCONNECT))
    lost = Way("answer lost", _DISCONNECT, phase="after")
    return (*found, Way("reset", _DISCONNECT), *((lost,) if verb == "COMMIT" else ()))


def engine(points: Sequence[Point]) -> str:
    """What the app's database is, as the ends of its transactions name it; "" without any."""
    named = (point.dependency.split(" ") for point in points if point.seam == "database")
    return next((words[1] for words in named if words[0] in {"COMMIT", "ROLLBACK", "CHECKOUT"} and len(words) > 1), "")


def in_turn(planned: Sequence[Planned], points: Sequence[Point], often: Mapping[str, int]) -> list[Planned]:
    """The cells, those met least `often` first, the calls by turns; last what a call like it, earlier on, shadows.

    A small batch does not come to the end of a route's cells.
    """
    calls: dict[int, list[Planned]] = {}
    for cell in planned:
        calls.setdefault(cell.point, []).append(cell)
    rules = [(point.route, point.seam, point.dependency) for point in points]
    shadowed = {at: rules.index(rule) < at for at, rule in enumerate(rules)}
    turns = {cell.rule: turn for found in calls.values() for turn, cell in enumerate(found)}
    return sorted(planned, key=lambda cell: (shadowed[cell.point], often.get(cell.rule, 0), turns[cell.rule]))


def experiment(
    planned: Sequence[Planned], points: Sequence[Point], of: Mapping[str, Way], *, seed: int, name: str
) -> Prepared:
    """An experiment in which the planned cells are met in turn; `of` has the way of each rule."""
    routes: dict[str, list[str]] = {}
    for cell in planned:
        routes.setdefault(_route(points[cell.point]), []).append(cell.rule)
    slots = {route: [*rules, *[""] * ceil(len(rules) / (_FREE - 1))] for route, rules in routes.items()}
    stages = [f"turn-{number}" for number in range(max(map(len, slots.values()), default=1))]
    rules = [
        {
            "name": cell.rule,
            "seam": points[cell.point].seam,
            "fault": dict(of[cell.rule].fault),
            "phase": of[cell.rule].phase,
            "persistence": "request",
            "rate": _turns(stages, slots[_route(points[cell.point])], cell.rule),
            "match": _match(points[cell.point]),
        }
        for cell in planned
    ]
    raw = {
        "version": 1,
        "name": name,
        "seed": seed,
        "calls": {"share": 1},
        "stages": [{"name": stage, "share": 1 / len(stages)} for stage in stages],
        "rules": rules,
    }
    return Prepared(text=json.dumps(raw, indent=2) + "\n", value=parse(raw, "the map's experiment"))


def _turns(stages: Sequence[str], slots: Sequence[str], rule: str) -> dict[str, int]:
    return {stage: 1 for number, stage in enumerate(stages) if slots[number % len(slots)] == rule}


def _route(point: Point) -> str:
    """The path of a route as a pattern; methods share it, since a rule cannot tell them apart."""
    return _pattern(point.route.partition(" ")[2])


def _match(point: Point) -> dict[str, list[str]]:
    """What a rule matches on to meet this call and no other of the route."""
    verb, _, rest = point.dependency.partition(" ")
    match = {"route": [_route(point)]}
    if point.seam == "http_client":
        host, slash, path = rest.partition("/")
        return match | {"method": [verb], "host": [host], "path": [_pattern(f"{slash}{path}")]}
    if point.seam == "cache":
        host, _, key = rest.partition(" ")
        return match | {"command": [verb], "host": [host]} | ({"key": [_pattern(key)]} if key else {})
    return match | {"verb": [verb]} | ({"table": [rest]} if verb != "COMMIT" and rest else {})


def _pattern(path: str) -> str:
    """A path with its variable parts as a glob; what a glob would take for itself stands for any one character."""
    pieces = (re.sub(r"[\[\]?]", "?", piece) for piece in _VARIABLE.split(path))
    return "*".join(pieces)
