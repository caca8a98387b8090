"""What the tests of the middleware share: wrapping an app with rules, asking it, and reading the ledger it left."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import EnvironBuilder

from chaos_middleware import ChaosMiddleware
from chaos_middleware.experiment import Experiment, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class Reply:
    """What a server would have got."""

    status: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    chunks: list[bytes] = field(default_factory=list)


class Wrapped:
    """An app under rules, and the ledger in its run folder."""

    def __init__(self, app: Any, experiment: Experiment, run_dir: Path, app_dir: Path) -> None:
        self.run_dir = run_dir
        self.middleware = ChaosMiddleware(app, experiment, enabled=True, run_dir=run_dir, app_dir=app_dir)
        assert self.middleware.injector is not None
        self.control = self.middleware.injector.control
        self.injector = self.middleware.injector

    def get(self, path: str = "/", key: str | None = "1.1.1", **options: Any) -> Reply:
        """Ask as a server does: iterate the body, and close it whatever happens."""
        return ask(self.middleware, path, key, **options)

    def records(self, kind: str) -> list[dict[str, Any]]:
        """The ledger's records of this kind, from all parts."""
        lines = [line for part in sorted(self.run_dir.glob("faults/*.jsonl")) for line in part.read_text().splitlines()]
        return [record for record in map(json.loads, lines) if record["kind"] == kind]

    def reached(self) -> list[list[str]]:
        """The fields of the `.reached` lines."""
        parts = sorted(self.run_dir.glob("faults/*.reached"))
        return [line.split("\t") for part in parts for line in part.read_text().splitlines()]


def ask(app: Any, path: str = "/", key: str | None = "1.1.1", **options: Any) -> Reply:
    """One request to a WSGI app; `options` are those of werkzeug's EnvironBuilder, and `environ` for raw entries."""
    extra = options.pop("environ", {})
    headers = {**({"X-Chaos-Key": key} if key else {}), **options.pop("headers", {})}
    environ = EnvironBuilder(path=path, headers=headers, **options).get_environ()
    environ.update({"REMOTE_ADDR": "127.0.0.1", **extra})
    reply = Reply()

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        assert exc_info is not None or not reply.status
        reply.status, reply.headers = status, dict(headers)
        return reply.chunks.append

    body = app(environ, start_response)
    try:
        reply.chunks.extend(iter(body))
    finally:
        if hasattr(body, "close"):
            body.close()
    reply.body = b"".join(reply.chunks)
    return reply


def experiment(*rules: dict[str, Any], **settings: Any) -> Experiment:
    """An experiment of wsgi rules that always fire, unless they say otherwise."""
    named = [{"name": f"r{number}", "seam": "wsgi", "rate": 1, **rule} for number, rule in enumerate(rules)]
    return parse({"version": 1, "seed": 1, "rules": named, "calls": {"share": 0}, **settings})


@pytest.fixture
def wrap(tmp_path: Path) -> Iterator[Callable[..., Wrapped]]:
    """`wrap(app, rule, ..., **settings of the experiment)`; uninstalled at the end."""
    made: list[Wrapped] = []

    def wrapped(app: Any, *rules: dict[str, Any], app_dir: Path | None = None, **settings: Any) -> Wrapped:
        run_dir = tmp_path / f"run{len(made)}"
        run_dir.mkdir()
        made.append(Wrapped(app, experiment(*rules, **settings), run_dir, app_dir or tmp_path))
        return made[-1]

    wrapped.ask = ask  # type: ignore[attr-defined]  # for tests that put more around the middleware
    yield wrapped
    for each in made:
        each.middleware.uninstall()


class FakeTarget:
    """Notes what a fault asks of its place."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def __getattr__(self, verb: str) -> Callable[..., None]:
        return lambda *values, **named: self.asked.append((verb, *values, *named.values()))


@pytest.fixture
def target() -> FakeTarget:
    """A place that notes what a fault asks of it."""
    return FakeTarget()


@pytest.fixture
def read_fault() -> Callable[..., Any]:
    """`read_fault("latency", seconds=1)`: the fault of a rule with these settings."""

    def read(fault_type: str, seam: str = "wsgi", **settings: Any) -> Any:
        rule = {"name": "r", "seam": seam, "rate": 1, "fault": {"type": fault_type, **settings}}
        network = {"links": [{"name": "client"}]} if seam == "network" else {}
        return parse({"version": 1, "network": network, "rules": [rule]}).rules[0].fault

    return read
