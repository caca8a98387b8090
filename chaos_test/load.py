"""Starts Locust with the run's users, requests, stages and seed; it holds them back until the gate opens."""

from __future__ import annotations

import math
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_test.experiment import stages_option
from chaos_test.plan import free_port

if TYPE_CHECKING:
    from chaos_test.plan import Plan
    from chaos_test.processes import Child, Children

CHECKS_SECONDS = 30.0  # what chaos_locust gives the invariants when the users have stopped

_GATE = Path(__file__).with_name("gate.py")
_ENDPOINTS = Path(__file__).parents[1] / "chaos_locust" / "endpoint_user.py"


def start(
    children: Children, plan: Plan, run_dir: Path, *, host: str | None = None, web_port: int | None = None
) -> Child:
    """Start Locust, headless or with its web UI on loopback; `host`: where the users call, if not the app's own URL."""
    env = os.environ | {"CHAOS_TEST_READY": str(_ready(children))}
    face = (
        ["--headless", "--only-summary"]
        if web_port is None
        else ["--web-host", "127.0.0.1", "--web-port", str(web_port)]
    )
    command = [sys.executable, "-m", "locust", *_options(plan, run_dir, children.scratch, web_port), *face]
    command[command.index("--host") + 1] = host or plan.url
    grace = plan.stop_timeout + CHECKS_SECONDS + 5
    return children.start("Locust", command, cwd=Path.cwd(), env=env, log=run_dir / "locust.log", grace=grace)


def open_gate(children: Children) -> None:
    """Let the users start."""
    _ready(children).touch()


def _ready(children: Children) -> Path:
    return children.scratch / "ready"


def _options(plan: Plan, run_dir: Path, scratch: Path, web_port: int | None) -> list[str]:
    options = {
        "--locustfile": ",".join(str(file) for file in _locustfiles(plan, scratch)),
        "--host": plan.url,
        "--users": plan.users,
        "--spawn-rate": plan.users,
        "--stop-timeout": plan.stop_timeout,
        "--exit-code-on-error": 0,  # the run is judged by its report, not by whether a request failed
        "--chaos-run-dir": run_dir,
        "--chaos-seed": plan.experiment.value.seed,
        "--chaos-stages": stages_option(plan.experiment.value),
        "--chaos-deadline": plan.deadline,
    }
    if plan.script is not None:
        options |= {"--chaos-script": plan.script[0], "--chaos-turns": plan.script[1]}
    elif plan.requests is not None:
        options["--chaos-requests"] = plan.requests
    if plan.run_time is not None and web_port is None:
        options["--run-time"] = math.ceil(plan.run_time)  # Locust takes whole seconds
    if plan.processes > 1:
        port = free_port(None, "--processes")  # not Locust's own default: another test's workers would join this one
        options |= {"--processes": plan.processes, "--master-bind-host": "127.0.0.1"}
        options |= {"--master-bind-port": port, "--master-port": port}
    words = [str(word) for option in options.items() for word in option]
    words += ["--chaos-deal"] * plan.dealt
    return [*words, *(word for endpoint in plan.endpoints for word in ("--chaos-endpoint", endpoint))]


def _locustfiles(plan: Plan, scratch: Path) -> list[Path]:
    """The gate, then the users. Locust puts each file's folder on `sys.path`: ours stands in one of its own."""
    folder = scratch / "locustfiles"
    folder.mkdir()
    gate = folder / "chaos_test_gate.py"
    shutil.copyfile(_GATE, gate)
    if not plan.endpoints:
        return [gate, *plan.locustfiles]
    endpoints = folder / "chaos_test_endpoints.py"
    shutil.copyfile(_ENDPOINTS, endpoints)
    return [gate, *plan.locustfiles, endpoints]
