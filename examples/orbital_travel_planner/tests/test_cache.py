"""The optional cache of fares, with a server that speaks as much of Redis as the planner uses."""

from __future__ import annotations

import socketserver
import threading
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask


class Connection(socketserver.StreamRequestHandler):
    """One client: reads commands, keeps them in `server.commands`, answers from `server.values`."""

    server: Cache

    def handle(self) -> None:
        """Answer until the client leaves."""
        while head := self.rfile.readline():
            command = [self._word() for _ in range(int(head[1:]))]
            self.server.commands.append(command)
            self.wfile.write(self._answer(command))

    def _word(self) -> bytes:
        length = int(self.rfile.readline()[1:])
        return self.rfile.read(length + 2)[:-2]

    def _answer(self, command: list[bytes]) -> bytes:
        match command:
            case [b"HELLO", *_]:
                return b"%1\r\n$5\r\nproto\r\n:3\r\n"
            case [b"GET", key] if key in self.server.values:
                value = self.server.values[key]
                return b"$%d\r\n%s\r\n" % (len(value), value)
            case [b"GET", _]:
                return b"_\r\n"
            case [b"SET", key, value, *_]:
                self.server.values[key] = value
        return b"+OK\r\n"


class Cache(socketserver.ThreadingTCPServer):
    """The server; `commands` is what clients sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.values: dict[bytes, bytes] = {}
        self.commands: list[list[bytes]] = []


@pytest.fixture
def cache() -> Iterator[Cache]:
    """A running cache."""
    with Cache() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def test_lists_of_fares_are_kept_for_a_few_seconds(
    make_app: Callable[..., Flask], cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second list with the same filter asks the cache instead of the suppliers, and is the same list."""
    asked: list[str] = []
    get = requests.Session.get

    def spy(self: requests.Session, url: str, **given: object) -> requests.Response:
        asked.append(url.rpartition("/")[2])
        return get(self, url, **given)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(requests.Session, "get", spy)
    app = make_app(CACHE_URL=f"redis://127.0.0.1:{cache.server_address[1]}/0")
    first = app.test_client().get("/api/destinations?body=Earth").get_json()
    second = app.test_client().get("/api/destinations?body=Earth").get_json()
    app.extensions["suppliers"].cache.close()
    assert first == second
    assert asked == ["fares"]
    kept = [(command[1], command[3:]) for command in cache.commands if command[0] == b"SET"]
    assert kept == [(b"fares:lagrange-gardens,skyhook-station", [b"EX", b"5"])]
