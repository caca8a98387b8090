"""The check `neighbours`, and what finders that compare times of two stages make of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos_analysis import tables
from chaos_analysis.checks import neighbours
from chaos_analysis.evidence import Evidence, read_experiment
from chaos_analysis.patterns import slow_recovery, tail_latency
from chaos_analysis.rundir import open_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from chaos_analysis.model import Pattern
    from tests.chaos_analysis.world import Truth

    MakeRun = Callable[..., tuple[Path, Truth]]

CALM = {"baseline": (0.1, 0.0), "chaos": (0.2, 0.0), "recovery": (0.1, 0.0)}
HELD = 0.5  # seconds


def evidence(make_run: MakeRun, taken: Mapping[str, tuple[float, float]]) -> Evidence:
    """A run in whose stages others took such shares of two cores, and of the time."""
    folder, _ = make_run(requests=4000)
    run = open_run(folder)
    rows = tables.build(run).requests
    lines = []
    for stage, (others, late) in taken.items():
        started = rows.loc[rows["stage"] == stage, "started"]
        seconds = float(started.max() - started.min())
        lines.append(
            {"t": float(started.max()), "seconds": seconds, "cores": 2, "run": 0.1}
            | {"others": others * 2 * seconds, "late": late * seconds}
        )
    (folder / "neighbours.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return Evidence(tables.build(run), read_experiment(run.experiment)[0], run.run)


def slowed(told: Evidence, stage: str) -> Evidence:
    """Every request of the stage took ten seconds more."""
    rows = told.tables.requests
    late = rows["response_ms"] + 10_000.0 * (rows["stage"] == stage)
    return replace(told, tables=replace(told.tables, requests=rows.assign(response_ms=late)))


def test_neighbours_that_take_the_same_all_the_time_are_told(make_run: MakeRun) -> None:
    """However much it is."""
    check = neighbours.check(evidence(make_run, CALM))
    assert (check.ok, check.fatal) == (True, False)
    assert check.summary == "other programs took 10 % to 20 % of the machine"


@pytest.mark.parametrize(
    ("taken", "why"),
    [
        (CALM | {"chaos": (0.35, 0.0)}, "other programs took 35 % of the machine in chaos, 10 % in the baseline"),
        (
            {"baseline": (0.8, 0.0), "chaos": (0.8, 0.0), "recovery": (0.92, 0.0)},
            "other programs took 92 % of the machine in recovery, 80 % in the baseline",
        ),
        (CALM | {"recovery": (0.1, 0.5)}, "the machine stood still for 50 % of recovery, 0 % of the baseline"),
    ],
)
def test_what_they_take_more_in_one_stage_is_told(
    make_run: MakeRun, taken: Mapping[str, tuple[float, float]], why: str
) -> None:
    """A fifth of the machine more, half of what they left, or a machine that stood still."""
    check = neighbours.check(evidence(make_run, taken))
    assert (check.ok, check.fatal) == (False, False)
    assert check.summary == f"{why}, so slower answers there are not blamed on the service"


def test_nobody_who_counted_says_nothing(make_run: MakeRun) -> None:
    """Without lines there is no answer, and without a baseline nothing to compare with."""
    assert neighbours.check(evidence(make_run, {})).ok is None
    assert neighbours.check(evidence(make_run, {"chaos": (0.9, 0.0)})).ok is True


def severities(found: list[Pattern]) -> set[str]:
    """Of all patterns."""
    return {pattern.severity for pattern in found}


def test_a_recovery_that_is_slow_is_put_to_the_service_only_where_nobody_else_took_the_machine(
    make_run: MakeRun,
) -> None:
    """The very same requests, with calm neighbours and with others."""
    calm = slowed(evidence(make_run, CALM), "recovery")
    assert [pattern.slow > 0 for pattern in slow_recovery.find(calm)] == [True]
    crowded = slowed(evidence(make_run, CALM | {"recovery": (0.9, 0.0)}), "recovery")
    assert list(slow_recovery.find(crowded)) == []


def test_a_tail_is_no_claim_where_others_took_the_machine(make_run: MakeRun) -> None:
    """It is still told, with that reason."""
    calm = slowed(evidence(make_run, CALM), "chaos")
    assert "high" in severities(list(tail_latency.find(calm)))
    crowded = list(tail_latency.find(slowed(evidence(make_run, CALM | {"chaos": (0.9, 0.0)}), "chaos")))
    assert severities(crowded) == {"low"}
    assert any("the machine may be the reason" in pattern.summary for pattern in crowded)


def test_a_tail_behind_injected_delays_is_a_claim_whoever_took_the_machine(make_run: MakeRun) -> None:
    """Requests of the process of a delay are slow while it is under way, and at no other time."""
    told = evidence(make_run, CALM | {"chaos": (0.9, 0.0)})
    rows, reached = told.tables.requests.copy(), told.tables.reached
    part = rows["key"].map(dict(zip(reached["key"], reached["part"], strict=True)))
    faults = told.tables.faults
    delays = faults[faults["fault"] == "latency"]
    for key, began in zip(delays["key"], delays["started"], strict=True):
        here = (part == part[rows["key"] == key].iloc[0]) & rows["started"].between(began, began + HELD)
        rows.loc[here, "response_ms"] += 1000 * HELD
    faults = faults.assign(finished=faults["finished"].where(faults["fault"] != "latency", faults["started"] + HELD))
    held = replace(told, tables=replace(told.tables, requests=rows, faults=faults))
    found = list(tail_latency.find(held))
    assert "high" in severities(found)
    assert any("They wait behind requests that met one: most were slow in" in pattern.summary for pattern in found)
    assert not any(
        "the machine may be the reason" in pattern.summary for pattern in found if pattern.severity == "high"
    )
