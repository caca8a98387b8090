"""A run with the proxy between the shop and the service that it asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Command

RULES = [
    {"name": "torn", "rate": 0.15, "fault": {"type": "reset_after", "bytes": 30}},
    {"name": "late", "rate": 0.15, "fault": {"type": "latency", "seconds": 0.4}},
]
EXPERIMENT = {
    "version": 1,
    "seed": 4,
    "network": {"links": [{"name": "stock", "env": "STOCK_URL"}]},
    "rules": [{"seam": "network", "match": {"link": ["stock"]}, **rule} for rule in RULES],
}


def test_what_a_link_does_reaches_the_clients(command: Command, shop: Path) -> None:
    """Each connection's faults are in the ledger and the dose is right; the app sees true resets and real delays."""
    config = command.cwd / "network.json"
    config.write_text(json.dumps(EXPERIMENT))
    words = ["--app-dir", str(shop), "--config", str(config), "--endpoint", "GET /items", "--requests", "300"]
    done = command.run("run", *words, "--users", "5")
    assert done.returncode == 0, done.stderr + done.stdout
    results = command.json("load-results.json")
    checks = {check["name"]: check["ok"] for check in results["checks"]}
    assert (checks["dose"], checks["records"]) == (True, True)
    lines = [line for part in command.run_dir.glob("faults/*.jsonl") for line in part.read_text().splitlines()]
    events = [record for record in map(json.loads, lines) if record["kind"] == "fault"]
    assert {event["key"] for event in events} == {"network"}
    assert {event["stage"] for event in events} == {"chaos"}
    assert {event["rule"] for event in events} == {"torn", "late"}
    rows = [row for row in command.rows() if row[1] == "chaos"]
    failed = sum(row[10] is not None for row in rows)
    assert failed / len(rows) == pytest.approx(0.15, abs=0.1)
    assert sum(row[5] > 400 for row in rows) > 5
    assert "ConnectionResetError" in (command.run_dir / "app.log").read_text()
    assert command.left() == []


def test_a_link_without_an_address_stops_the_run_at_the_start(command: Command, shop: Path) -> None:
    """One sentence says which."""
    config = command.cwd / "network.json"
    config.write_text(json.dumps({**EXPERIMENT, "network": {"links": [{"name": "stock", "env": "NO_SUCH_URL"}]}}))
    done = command.run("run", "--app-dir", str(shop), "--config", str(config), "--endpoint", "GET /items")
    assert done.returncode == 2
    assert "network.links: stock: the app's environment has no NO_SUCH_URL; expected a URL" in done.stderr
    assert command.left() == []
