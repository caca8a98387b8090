"""A dependency that answers as it is told, and a patched module that asks it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator


class Dependency(BaseHTTPRequestHandler):
    """Answers as `now` says: a status and a body."""

    now: ClassVar[tuple[int, bytes]] = (200, b"{}")

    def do_GET(self) -> None:
        status, body = self.now
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@contextmanager
def running(source: str) -> Iterator[dict[str, Any]]:
    """The names of the module, in which URL is the dependency's address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Dependency) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        names: dict[str, Any] = {"__name__": "shop", "URL": f"http://127.0.0.1:{server.server_port}"}
        exec(compile(source, "shop.py", "exec"), names)
        yield names
        server.shutdown()
