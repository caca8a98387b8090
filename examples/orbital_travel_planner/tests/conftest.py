"""The planner on a real SQLite file, with the real suppliers behind a real socket."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from flask.testing import FlaskClient

FOLDER = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(FOLDER))

from orbital_suppliers import create_app as create_suppliers  # noqa: E402 - found through the path set above
from orbital_travel_planner import create_app  # noqa: E402 - found through the path set above


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Any], str]]:
    """A function that serves a WSGI app in a thread and gives its address."""
    servers = []

    def start(app: Any) -> str:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def suppliers_url(serve: Callable[[Any], str]) -> str:
    """The address of a running suppliers' service."""
    return serve(create_suppliers())


@pytest.fixture
def make_app(tmp_path: Path, suppliers_url: str) -> Iterator[Callable[..., Flask]]:
    """A function that makes a planner with its own database; keyword arguments are its settings."""
    made = []

    def make(**settings: object) -> Flask:
        url = f"sqlite:///{tmp_path}/planner.db"
        made.append(create_app({"DATABASE_URL": url, "SUPPLIERS_URL": suppliers_url, **settings}))
        return made[-1]

    yield make
    for app in made:
        app.extensions["suppliers"].close()
        app.extensions["sessions"].kw["bind"].dispose()


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    """A client of a planner with the default settings."""
    return make_app().test_client()
