"""`chaos-test map`: meet every call of a service with every fault, alone, and draw what the service did."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from chaos_test import cells, options, plan, rundir, runner
from chaos_test import run as run_command
from chaos_test.analysis import chart, points_of, seen_of
from chaos_test.errors import ChaosTestError
from chaos_test.interrupt import Interrupt
from chaos_test.rundir import shown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from chaos_analysis.matrix import Matrix, Planned, Point
    from chaos_test.cells import Way
    from chaos_test.experiment import Prepared
    from chaos_test.plan import Plan

HELP = "meet every call with every fault, alone, and draw what the service did"
EPILOG = """examples:
  chaos-test map                                        the Orbital Travel Planner, if you are in its repository
  chaos-test map 'shop:make()' --endpoint 'GET /items' --requests 300
  chaos-test map --resume reports/20260101T120000Z-ab12-map --requests 500

exit codes: 0 a map was drawn · 2 wrong usage, or it could not be started · 3 nothing to draw · 4 stopped by you"""
DEFAULT_REQUESTS = 800
DISCOVERY_SHARE = 0.15
LEAST_DISCOVERY = 60
WANTED = 3  # events a cell, before any has more
BATCHES = 3


@dataclass
class Map:
    """A map in the making, as `cells.json` has it."""

    folder: Path
    name: str
    points: tuple[Point, ...] = ()
    cells: tuple[Planned, ...] = ()
    ways: dict[str, Way] = field(default_factory=dict)
    batches: list[str] = field(default_factory=list)
    spent: int = 0
    seconds: float = 0.0

    def save(self) -> None:
        """Write `cells.json`, whole."""
        labels = {way.label: None for way in self.ways.values()}
        rundir.write_json(
            self.folder / "cells.json",
            {
                "version": 1,
                "name": self.name,
                "points": [asdict(point) for point in self.points],
                "cells": [asdict(cell) for cell in self.cells],
                "faults": list(labels),
                "batches": self.batches,
                "spent": self.spent,
                "seconds": self.seconds,
            },
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `map`."""
    run_command.add_target(parser)
    load = run_command.add_load(parser, users=8)
    load.add_argument(
        "--requests",
        type=options.positive,
        default=DEFAULT_REQUESTS,
        metavar="N",
        help=f"the budget, with what finds the calls (default {DEFAULT_REQUESTS:,}); what was met least comes first",
    )
    parser.add_argument(
        "--resume", metavar="D", help="go on with the map in this folder, with the same options as then"
    )
    parser.add_argument("--out", default="reports", metavar="D", help="where the map's folder goes (default reports)")
    parser.set_defaults(run_time=None, stages=None, slo=[], enough_after=float("inf"), time_limit=600.0)


def command(args: argparse.Namespace) -> int:
    """Draw a map, or go on with one."""
    console = Console(highlight=False)
    with Interrupt() as interrupt:
        mapper = _Mapper(plan.make(args), console, interrupt)
        mapped = _resumed(Path(args.resume)) if args.resume else mapper.discover(args)
        mapper.meet(mapped, args.requests if args.resume else args.requests - mapped.spent)
        matrix = chart(mapped.folder)
    _tell(console, matrix, mapped.folder)
    if interrupt.asked:
        return 4
    return 0 if any(row.lethality.n for row in matrix.rows) else 3


@dataclass(frozen=True)
class _Mapper:
    """Carries the runs of a map out."""

    plan: Plan
    console: Console
    interrupt: Interrupt

    def discover(self, args: argparse.Namespace) -> Map:
        """A new map, after a run without faults that noted every call."""
        mapped = Map(rundir.create_map(Path(args.out).resolve()), name=_name(self.plan))
        self.console.print(f"Looking for the calls of {mapped.name} …", style="dim")
        prepared = cells.experiment((), (), {}, seed=self.plan.experiment.value.seed, name="discovery")
        run_dir = self._run(mapped, prepared, discovery(args.requests), "discovery")
        mapped.points = points_of(run_dir)
        if not mapped.points and not self.interrupt.asked:
            raise ChaosTestError(f"{mapped.name} made no call that a fault could meet (see {shown(run_dir)})")
        mapped.cells, mapped.ways = _planned(mapped.points)
        mapped.save()
        return mapped

    def meet(self, mapped: Map, budget: int) -> None:
        """Batches, each for the cells of which least is known, until the budget is spent or everything is known."""
        for left in range(BATCHES, 0, -1):
            size = budget // left
            wanted = _wanted(mapped) if mapped.cells else []
            if self.interrupt.asked or not wanted or not size:
                return
            self.console.print(f"Meeting {len(wanted)} of {len(mapped.cells)} cells, {size:,} requests …", style="dim")
            number = len(mapped.batches) + 1
            seed = self.plan.experiment.value.seed + number
            prepared = cells.experiment(wanted, mapped.points, mapped.ways, seed=seed, name=f"batch {number}")
            run_dir = self._run(mapped, prepared, size, f"batch-{number}")
            mapped.batches.append(run_dir.name)
            mapped.save()
            budget -= size

    def _run(self, mapped: Map, prepared: Prepared, size: int, name: str) -> Path:
        started = time.monotonic()
        dealt = replace(
            self.plan, experiment=prepared, requests=size, run_time=None, out=mapped.folder, slos=(), dealt=True,
            server="threads",  # greenlets share their thread's fate: a locked database file holds all of them up
        )  # fmt: skip
        run_dir, _ = runner.execute(dealt, self.console, sys.argv, self.interrupt)
        named = run_dir.rename(run_dir.with_name(name))
        mapped.spent += size
        mapped.seconds = round(mapped.seconds + time.monotonic() - started, 1)
        return named


def discovery(budget: int) -> int:
    """How many of the budget's requests look for the calls: no more than half of them."""
    return max(min(max(LEAST_DISCOVERY, int(budget * DISCOVERY_SHARE)), budget // 2), 1)


def _name(made: Plan) -> str:
    """The app's module, or where it is."""
    return made.target.app.partition(":")[0] if made.target.app else made.url


def _resumed(folder: Path) -> Map:
    """The map in a folder; raises `ChaosTestError`."""
    file = folder / "cells.json"
    try:
        value: dict[str, Any] = json.loads(file.read_bytes())
    except (OSError, ValueError):
        raise ChaosTestError(f"--resume {folder}: there is no map in it ({file.name} cannot be read)") from None
    points = points_of(folder / "discovery")
    planned, ways = _planned(points)
    if [asdict(cell) for cell in planned] != value["cells"]:
        raise ChaosTestError(f"--resume {folder}: its cells are those of another version; draw a new map")
    return Map(
        folder.resolve(), value["name"], points, planned, ways, value["batches"], value["spent"], value["seconds"]
    )


def _planned(points: Sequence[Point]) -> tuple[tuple[Planned, ...], dict[str, Way]]:
    from chaos_analysis.matrix import Planned  # noqa: PLC0415 - pandas comes with it

    engine = cells.engine(points)
    every = [(at, way) for at, point in enumerate(points) for way in cells.ways(point, engine)]
    planned = tuple(Planned(f"cell-{number}", at, way.label) for number, (at, way) in enumerate(every))
    return planned, {cell.rule: way for cell, (_, way) in zip(planned, every, strict=True)}


def _wanted(mapped: Map) -> list[Planned]:
    """The cells of which least is known: those not met often enough, and then those whose outcomes differ."""
    met: Mapping[str, Mapping[str, int]] = (
        seen_of(mapped.folder, mapped.batches, mapped.cells, mapped.points) if mapped.batches else {}
    )
    often = {cell.rule: sum(met.get(cell.rule, {}).values()) for cell in mapped.cells}
    few = [cell for cell in mapped.cells if often[cell.rule] < WANTED]
    few = few or [cell for cell in mapped.cells if len(met.get(cell.rule, {})) > 1]
    return cells.in_turn(few, mapped.points, often)


def _tell(console: Console, matrix: Matrix, folder: Path) -> None:
    ranked = sorted((row for row in matrix.rows if row.lethality.value), key=lambda row: -(row.lethality.low or 0.0))
    console.print()
    for row in ranked[:5]:
        console.print(f"{row.lethality.value:4.0%}  {row.point.route}  {row.point.dependency}", style="bold", end="  ")
        console.print(str(row.point.site or ""), style="cyan")
    console.print(f"Map: {shown(folder / 'chaos-map.html')}", style="bold")
