"""What the services of the cases call: started once, used by every run; databases are each run's own.

`DEPENDENCY_URL` is an HTTP service that is always right, keeps connections open and has no state:

    GET /stock         {"items": ["lamp", "table"], "price": 3}
    GET /stock/<n>     {"item": <n>, "price": 3}
    GET /reviews       {"reviews": ["good"]}
    POST /orders       201, {"order": "taken"}
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg

from tests.postgres_server import postgresql
from tests.valkey_server import running_valkey

Addresses = Mapping[str, str]

_MOST_RUNS = 4000  # each with a database of its own
_MOST_ARMS = 8


class _Dependency(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/stock/") and path[7:].isdecimal():
            self._answer(200, {"item": int(path[7:]), "price": 3})
        elif path == "/stock":
            self._answer(200, {"items": ["lamp", "table"], "price": 3})
        elif path == "/reviews":
            self._answer(200, {"reviews": ["good"]})
        else:
            self._answer(404, {"error": "no such thing"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(201, {"order": "taken"})

    def _answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that go away in the middle, as faults make them, are no news."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # whatever it is, it was given it


@contextmanager
def started(needs: Iterable[str]) -> Iterator[Addresses]:
    """Start what the cases need; the addresses can be handed to other processes."""
    server = _Server(("127.0.0.1", 0), _Dependency)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    addresses = {"dependency": f"http://127.0.0.1:{server.server_port}"}
    with ExitStack() as running:
        running.callback(server.server_close)
        running.callback(server.shutdown)
        if "valkey" in needs:
            valkey = running.enter_context(running_valkey(databases=str(_MOST_RUNS)))
            addresses["valkey"] = f"redis://127.0.0.1:{valkey.port}"
        if "postgresql" in needs:
            server_port = running.enter_context(postgresql()).port
            addresses["postgresql"] = f"postgresql://postgres@127.0.0.1:{server_port}"
        yield addresses


def variables(addresses: Addresses, needs: Iterable[str], number: int, arm: int = 0) -> dict[str, str]:
    """What tells the service of one run, the bench's `number`-th, where they are; `arm` counts copies of it from 1."""
    env = {"DEPENDENCY_URL": addresses["dependency"]}
    if "sqlite" in needs:
        env["DATABASE_URL"] = "sqlite:///{scratch}/truth.db"  # the run's own folder, which goes with it
    if "postgresql" in needs:
        env["DATABASE_URL"] = _new_database(addresses["postgresql"], f"run_{number}_{arm}")
    if "valkey" in needs:
        env["CACHE_URL"] = f"{addresses['valkey']}/{(number * _MOST_ARMS + arm) % _MOST_RUNS}"
    return env


def _new_database(server: str, name: str) -> str:
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"
