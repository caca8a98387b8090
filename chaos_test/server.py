"""Starts the app and what it calls in the app's own interpreter, with the middleware alone beside it, and waits."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import chaos_middleware
from chaos_test import ports
from chaos_test.errors import ChaosTestError
from chaos_test.network.start import stand_between

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chaos_test.plan import Plan
    from chaos_test.processes import Child, Children
    from chaos_test.table import Service

START_SECONDS = 60.0


@dataclass(frozen=True)
class Server:
    """A server that was started, and its address; `clients`: where the load shall call it, "" where it shall not."""

    child: Child
    url: str
    clients: str = ""


def start(children: Children, plan: Plan, run_dir: Path) -> tuple[Server, ...]:
    """Start the app, its services and what stands between them side by side; the app comes first in the answer."""
    assert plan.target.app is not None
    assert plan.target.dir is not None
    shared = _environment(plan, children.scratch)
    chaos = {
        "CHAOS_ENABLED": "1",
        "CHAOS_CONFIG": str(run_dir / "chaos-config.json"),
        "CHAOS_RUN_DIR": str(run_dir),
        "CHAOS_APP_DIR": str(plan.target.dir),
    }
    services = [_service(children, plan, run_dir, service, shared) for service in plan.target.services]
    chaos |= {service.env: server.url for service, server in zip(plan.target.services, services, strict=True)}
    through, clients, proxy = stand_between(children, plan, run_dir, shared | chaos, ports.free)
    command = _serve(plan, plan.target.app, plan.port, plan.workers)
    env = shared | chaos | through
    app = children.start("the app", command, cwd=plan.target.dir, env=env, log=run_dir / "app.log")
    between = [Server(proxy, clients)] if proxy and clients != plan.url else [Server(proxy, "")] if proxy else []
    return (Server(app, plan.url, clients), *services, *between)


def wait_until_ready(url: str, living: Sequence[Child], interrupted: Callable[[], bool]) -> bool:
    """Poll until it answers HTTP; False where the user stopped first, `ChaosTestError` where it never will."""
    until = time.monotonic() + START_SECONDS
    while not answers(url):
        if interrupted():
            return False
        for child in living:
            if child.returncode is not None:
                raise child.not_started()
        if time.monotonic() > until:
            why = f"; {living[0].said()}" if living else ""
            raise ChaosTestError(f"{url} did not answer within {START_SECONDS:g} s{why}")
        time.sleep(0.05)
    return True


def answers(url: str) -> bool:
    """Whether a GET of /healthz, without a request key, gets any HTTP answer: an app without that route answers 404."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=1)
    try:
        connection.request("GET", f"{parts.path}/healthz")
        connection.getresponse().read()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True


def _service(children: Children, plan: Plan, run_dir: Path, service: Service, env: dict[str, str]) -> Server:
    assert plan.target.dir is not None
    port = ports.free()
    command = [*_serve(plan, service.app, port, workers=1), "--plain"]
    log = run_dir / f"service-{service.name}.log"
    child = children.start(f"service {service.name}", command, cwd=plan.target.dir, env=env, log=log)
    return Server(child, f"http://127.0.0.1:{port}")


def _serve(plan: Plan, app: str, port: int, workers: int) -> list[str]:
    serve = [str(plan.target.python), "-m", "chaos_middleware.serve", app]
    chosen = ["--server", plan.server] if plan.server else []
    return [*serve, "--bind", f"127.0.0.1:{port}", "--workers", str(workers), *chosen]


def _environment(plan: Plan, scratch: Path) -> dict[str, str]:
    """The caller's environment, the table's `env`, and a copy of the middleware: none of ours may leak in."""
    beside = scratch / "path"
    source = Path(chaos_middleware.__file__).parent
    shutil.copytree(source, beside / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CHAOS_", "PYTHONHOME"))}
    table = {name: value.replace("{scratch}", str(scratch)) for name, value in plan.target.table.env}
    paths = (str(beside), str(plan.target.dir), *map(str, plan.target.paths), table.get("PYTHONPATH", ""))
    return env | table | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONUNBUFFERED": "1"}
