"""A real upstream server, and an app under chaos whose one view is a function of the test."""

from __future__ import annotations

import gzip
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chaos_middleware import ChaosMiddleware
from chaos_middleware.experiment import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BODY = json.dumps({"fares": list(range(40))}).encode()


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one segment: no delayed acknowledgements in the timings

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        self.server.hits.append((self.command, self.path, self.client_address[1]))  # type: ignore[attr-defined]
        path, _, query = self.path.partition("?")
        if path == "/slow":
            time.sleep(float(query))
        if path == "/late-body":
            self._chunked(pause=float(query))
        elif path == "/redirect":
            self._send(302, b"", {"Location": "/ok"})
        elif path == "/chunked":
            self._chunked()
        elif path == "/gzip":
            self._send(200, gzip.compress(BODY), {"Content-Encoding": "gzip"})
        elif path == "/empty":
            self.send_response(204)
            self.end_headers()
        elif path == "/old":
            self.close_connection = True
            self._send(200, BODY, {"Connection": "close"})
        else:
            self._send(200, BODY, {"Content-Type": "application/json", "X-Real": "yes"})

    do_GET = do_POST = do_HEAD = _answer  # noqa: N815 - the base class's names

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _chunked(self, pause: float = 0) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in (BODY[:50], BODY[50:]):
            if pause:
                self.wfile.flush()
                time.sleep(pause)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *args: Any) -> None:
        """Quiet."""


class Server:
    """The upstream's address, and what it saw: method, path and the client's port of each request."""

    def __init__(self, http: ThreadingHTTPServer) -> None:
        self.hits: list[tuple[str, str, int]] = http.hits  # type: ignore[attr-defined]
        self.port = http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"


@pytest.fixture
def upstream() -> Iterator[Server]:
    """A threaded HTTP/1.1 server."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    http.daemon_threads = True
    http.hits = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield Server(http)
    http.shutdown()
    http.server_close()
    thread.join()


class Chaos:
    """An app under chaos; `run` serves one keyed request with a function as its view."""

    def __init__(self, folder: Path, faults: list[dict[str, Any]], share: float) -> None:
        rules = [{"name": f"r{i}", "seam": "http_client", "rate": 1, **rule} for i, rule in enumerate(faults)]
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
        self.view = view
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/page", "REMOTE_ADDR": "127.0.0.1"}
        if key is not None:
            environ["HTTP_X_CHAOS_KEY"] = key
        list(self.middleware(environ, lambda *args: None))
        return self.result

    def timed(self, view: Callable[[], Any], key: str | None = "1.0.0") -> tuple[Any, float]:
        """What the view raised, and after how many seconds."""
        started = time.monotonic()
        with pytest.raises(Exception) as info:  # noqa: PT011 - the tests look at it
            self.run(view, key)
        return info.value, time.monotonic() - started

    def records(self, kind: str) -> list[dict[str, Any]]:
        lines = [line for part in (self.folder / "faults").glob("*.jsonl") for line in part.read_text().splitlines()]
        return [record for record in map(json.loads, lines) if record["kind"] == kind]

    def reached(self) -> list[list[str]]:
        """The `.reached` lines of outbound calls, split."""
        lines = [line for part in (self.folder / "faults").glob("*.reached") for line in part.read_text().splitlines()]
        return [line.split("\t") for line in lines if line.count("\t") > 2]


@pytest.fixture
def chaos(tmp_path: Path) -> Iterator[Callable[..., Chaos]]:
    """Makes apps under chaos from rules of the http_client seam, by default with the rate 1."""
    made = []

    def make(*faults: dict[str, Any], share: float = 1) -> Chaos:
        made.append(Chaos(tmp_path / str(len(made)), list(faults), share))
        return made[-1]

    yield make
    for each in made:
        each.middleware.uninstall()
