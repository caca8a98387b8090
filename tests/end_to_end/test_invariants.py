"""What the planner's travellers say must be true: held at peace, and a lost answer is found in the double booking."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Command

BOOKED_ONCE = "every acknowledged booking exists exactly once"
CHARGED_ONCE = "nobody is charged twice"
LOST = {
    "name": "answer-lost",
    "seam": "wsgi",
    "rate": 0.5,
    "phase": "after",
    "match": {"route": ["/api/bookings"], "method": ["POST"]},
    "fault": {"type": "connection_reset"},
}

LOST_COMMIT = {
    "name": "commit-lost",
    "seam": "database",
    "rate": 0.3,
    "phase": "after",
    "match": {"route": ["/api/bookings"], "verb": ["COMMIT"]},
    "fault": {"type": "statement_error", "kind": "disconnect"},
}


def run_planner(command: Command, *rules: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Run it under these rules; the invariants' results by name."""
    experiment = {"version": 1, "name": "bookings", "seed": 42, "rules": list(rules)}
    (command.cwd / "experiment.json").write_text(json.dumps(experiment))
    done = command.run("run", "--config", "experiment.json", "--requests", "200", "--users", "10")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (command.run_dir / "invariants.jsonl").read_text().splitlines()
    return {result["name"]: result for result in map(json.loads, lines)}


def test_at_peace_every_invariant_holds(command: Command) -> None:
    """All were checked, against what the travellers noted; none is violated, and no finding says so."""
    found = run_planner(command)
    assert len(found) == 6
    assert {
        name: (each["checked"], each["violations"], each["error"]) for name, each in found.items()
    } == dict.fromkeys(found, (True, [], None))
    assert all(each["facts"] > 20 for each in found.values())
    assert command.json("failure-patterns.json")["patterns"] == []


@pytest.fixture(scope="module")
def lost(
    tmp_path_factory: pytest.TempPathFactory, command_in: Callable[[Path], Command]
) -> tuple[Command, dict[str, dict[str, Any]]]:
    """A run in which every other booking is made and its answer lost; who gets none presses again."""
    command = command_in(tmp_path_factory.mktemp("lost"))
    return command, run_planner(command, LOST)


def test_a_lost_answer_is_caught_as_a_double_booking(lost: tuple[Command, dict[str, dict[str, Any]]]) -> None:
    """Each violation names the request whose answer was lost and its repetition; every such order is found."""
    command, found = lost
    rows = {row[0]: row for row in command.rows()}
    again = {key for key in rows if key.endswith(".book-again")}
    orders = {key.removesuffix("-again") for key in again}
    assert len(again) > 5
    assert {rows[key][8] for key in orders} == {0}  # no answer
    charged = [violation["keys"] for violation in found[CHARGED_ONCE]["violations"]]
    assert sorted(charged) == sorted([key.removesuffix("-again"), key] for key in again)
    confirmed = [key for key in again if rows[key][8] == 201]
    assert sorted(violation["keys"][-1] for violation in found[BOOKED_ONCE]["violations"]) == sorted(confirmed)
    assert not found["no destination is oversold"]["violations"]


def test_the_report_begins_with_it_and_names_the_fault(lost: tuple[Command, dict[str, dict[str, Any]]]) -> None:
    """Critical and direct, with the rule and the requests that led there."""
    command, found = lost
    patterns = command.json("failure-patterns.json")["patterns"]
    first = {pattern["id"]: pattern for pattern in patterns[:3]}
    one = first[f"invariant_violated:{BOOKED_ONCE}"]
    n = len(found[BOOKED_ONCE]["violations"])
    assert (one["evidence"], one["severity"], one["rules"], one["faults"]) == (
        *("direct", "critical"),
        *(["answer-lost"], ["connection_reset"]),
    )
    assert ["connection_reset (answer-lost) at the edge", f"on the way to {n} of {n}"] in one["facts"]
    assert one["keys"][0] in found[BOOKED_ONCE]["violations"][0]["keys"]
    events = [json.loads(line) for file in command.run_dir.glob("faults/*.jsonl") for line in file.open()]
    struck = {event["key"] for event in events if event["kind"] == "fault"}
    assert all(struck & set(violation["keys"]) for violation in found[BOOKED_ONCE]["violations"])
    report = (command.run_dir / "chaos-test-report.md").read_text()
    assert one["title"] in report.partition("## Top 3 Critical Issues")[2].partition("## Chaos Configuration")[0]


def test_a_lost_commit_is_caught_at_its_line(command: Command) -> None:
    """The rows are there and the app says 500: seats without a booking, bookings that nobody was told of."""
    found = run_planner(command, LOST_COMMIT)
    assert found["no booking holds a seat that was never confirmed"]["violations"]
    patterns = {pattern["id"]: pattern for pattern in command.json("failure-patterns.json")["patterns"]}
    lines = (command.run_dir / "sources/orbital_travel_planner/bookings.py").read_text().splitlines()
    untold = patterns["invariant_violated:no booking holds a seat that was never confirmed"]
    assert (untold["evidence"], untold["rules"]) == ("direct", ["commit-lost"])
    assert lines[untold["site"]["line"] - 1].strip() == "session().commit()"
    assert lines[untold["site"]["line"] - 2].strip() == "session().add(booking)"
    leaked = patterns["invariant_violated:no seat is taken that nobody has booked"]
    assert leaked["rules"] == ["commit-lost"]
