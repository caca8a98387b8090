"""Real databases, and an app under chaos whose one view is a function of the test."""

from __future__ import annotations

import gc
import json
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chaos_middleware import ChaosMiddleware
from chaos_middleware.experiment import parse
from tests.postgres_server import Postgres, postgresql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Chaos:
    """An app under chaos; `run` serves one keyed request with a function as its view."""

    def __init__(self, folder: Path, rules: list[dict[str, Any]], share: float) -> None:
        rules = [{"name": f"r{i}", "seam": "database", "rate": 1, **rule} for i, rule in enumerate(rules)]
        self.folder = folder
        folder.mkdir()
        self.view: Callable[[], Any] = lambda: None
        experiment = parse({"version": 1, "seed": 7, "rules": rules, "calls": {"share": share}})
        self.middleware = ChaosMiddleware(
            self._app, experiment, enabled=True, run_dir=folder, app_dir=Path(__file__).parent
        )

    def _app(self, environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        self.result = self.view()
        return []

    def run(self, view: Callable[[], Any], key: str | None = "1.0.0") -> Any:
        """What the view returned, or raises what it raised."""
        self.view = view
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/page", "REMOTE_ADDR": "127.0.0.1"}
        if key is not None:
            environ["HTTP_X_CHAOS_KEY"] = key
        list(self.middleware(environ, lambda *args: None))
        return self.result

    def timed(self, view: Callable[[], Any], key: str | None = "1.0.0") -> tuple[Any, float]:
        """What the view raised, or None, and the seconds it took."""
        started = time.monotonic()
        try:
            self.run(view, key)
        except Exception as error:
            return error, time.monotonic() - started
        return None, time.monotonic() - started

    def records(self, kind: str) -> list[dict[str, Any]]:
        lines = [line for part in (self.folder / "faults").glob("*.jsonl") for line in part.read_text().splitlines()]
        return [record for record in map(json.loads, lines) if record["kind"] == kind]

    def verbs(self) -> list[str]:
        """The verbs of the calls noted, in order."""
        return [record["target"].partition(" ")[0] for record in self.records("call")]


@pytest.fixture
def chaos(tmp_path: Path) -> Iterator[Callable[..., Chaos]]:
    """Makes apps under chaos from rules of the database seam, by default with the rate 1."""
    made = []

    def make(*rules: dict[str, Any], share: float = 1) -> Chaos:
        made.append(Chaos(tmp_path / f"run{len(made)}", list(rules), share))
        return made[-1]

    yield make
    for each in made:
        each.middleware.uninstall()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for all tests of a process."""
    with postgresql() as server:
        yield server


@pytest.fixture
def bookings(postgres: Postgres) -> Iterator[Postgres]:
    """PostgreSQL with the table `bookings` of two rows, and afterwards no more connections than before."""
    before = postgres.connections()
    postgres.ask("DROP TABLE IF EXISTS bookings")
    postgres.ask("CREATE TABLE bookings (id serial PRIMARY KEY, name text, seats int)")
    postgres.ask("INSERT INTO bookings (name, seats) VALUES ('ada', 1), ('bob', 2)")
    yield postgres
    gc.collect()  # connections in tracebacks of errors
    until = time.monotonic() + 3
    while (left := postgres.connections()) > before and time.monotonic() < until:
        time.sleep(0.02)
    assert left <= before


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A SQLite file with the table `bookings` of two rows."""
    path = str(tmp_path / "bookings.db")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookings (id integer PRIMARY KEY, name text, seats int)")
        connection.execute("INSERT INTO bookings (name, seats) VALUES ('ada', 1), ('bob', 2)")
    connection.close()
    return path
