"""What stands around the requests and the ledger of a made-up run: run.json, the experiment, stages, load samples."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.chaos_analysis.world import APP_DIR, RATE, STARTED, World

if TYPE_CHECKING:
    from pathlib import Path


def write_surroundings(folder: Path, world: World) -> None:
    """Write run.json, chaos-config.json, requests/stages.jsonl, requests/load.jsonl and invariants.jsonl."""
    stages = [
        {"name": name, "started": started, "ended": ended}
        for (name, _), (started, ended) in zip(world.stages, pairwise(world.bounds), strict=True)
    ]
    (folder / "run.json").write_text(json.dumps(_run(folder.name, world, stages), indent=2))
    (folder / "chaos-config.json").write_text(json.dumps(experiment(world), indent=2))
    lines = [{"stage": s["name"], "started": s["started"], "ended": s["ended"], "part": "0"} for s in stages]
    (folder / "requests/stages.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    samples = [_sample(world, second, stages) for second in range(int(world.requests / RATE) + 1)]
    (folder / "requests/load.jsonl").write_text("".join(json.dumps(line) + "\n" for line in samples))
    held = {"version": 1, "name": "every acknowledged booking exists exactly once", "checked": True, "violations": []}
    held |= {"more": 0, "error": None, "seconds": 0.1, "facts": world.requests}
    (folder / "invariants.jsonl").write_text(json.dumps(held) + "\n")


def experiment(world: World) -> dict[str, Any]:
    """The experiment that `world` ran."""
    return {
        "version": 1,
        "name": "planner",
        "seed": world.seed,
        "scope": "keyed",
        "stages": [{"name": name, "share": share} for name, share in world.stages],
        "steady_state": list(world.slos),
        "calls": {"share": world.sampled},
        "safety": {"lease_seconds": 10, "max_faults": 1_000_000, "max_concurrent": 1000, "allow_remote": False},
        "rules": list(world.rules),
    }


def _sample(world: World, second: int, stages: list[dict[str, Any]]) -> dict[str, Any]:
    stage = next((s["name"] for s in stages if STARTED + second < s["ended"]), stages[-1]["name"])
    sample = {"t": STARTED + second, "part": "0", "users": world.users, "cpu_percent": 35.0}
    return {**sample, "requests": int(second * RATE), "failures": 0, "stage": stage}


def _run(name: str, world: World, stages: list[dict[str, Any]]) -> dict[str, Any]:
    app = {"target": "planner:create_app()", "dir": APP_DIR, "python": "python3", "url": "http://127.0.0.1:5000"}
    app |= {"workers": world.app_parts, "server": "gunicorn/gevent", "git_revision": "0123abc", "git_dirty": False}
    load = {"users": world.users, "requests": world.requests, "run_time": None, "locustfiles": ["travellers.py"]}
    return {
        "version": 1,
        "id": name,
        "created": STARTED - 2,
        "finished": world.ended + 1,
        "command": ["chaos-test", "run", "--requests", str(world.requests)],
        "seed": world.seed,
        "versions": {"chaos_test": "0.1.0", "python": "3.11.7", "locust": "2.47.0"},
        "app": {**app, "git_prefix": "examples/planner"},
        "load": {**load, "processes": world.client_parts, "stop_timeout": 15},
        "stages": stages,
        "slos": list(world.slos),
        "ended_by": "requests",
        "reason": f"the {world.requests} planned requests are in",
        "host": {"cores": 2, "platform": "Linux"},
    }
