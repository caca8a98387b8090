"""A bulkhead at work between requests that share a few threads, and the limit that is proposed for it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.bulkhead import Bulkhead
from chaos_analysis.model import Proposal, Site
from tests.chaos_analysis.fixes.seen import evidence, pattern

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient

SOURCE = """\
import requests
from flask import Flask

app = Flask(__name__)


@app.get("/stock")
def stock():
    return requests.get(URL).json()


@app.get("/about")
def about():
    return {"name": "shop"}
"""
LINE = 9


class _Slow(BaseHTTPRequestHandler):
    """Answers when it may."""

    may: ClassVar[threading.Event] = threading.Event()

    def do_GET(self) -> None:
        self.may.wait(20)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *words: object) -> None:
        """Say nothing."""


def test_who_gets_no_slot_makes_room_for_others() -> None:
    """Eight requests for a stock that does not answer share four threads with one that has no need of it: two wait, six
    are told to come again, and the other one is answered meanwhile.
    """
    _Slow.may.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Slow) as server, ThreadPoolExecutor(4) as threads:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        names: dict[str, Any] = {"__name__": "shop", "URL": f"http://127.0.0.1:{server.server_port}"}
        patched = Bulkhead().edit(SOURCE, Spot(line=LINE, method="GET", flask=True, in_flight=2))
        exec(compile(patched, "shop.py", "exec"), names)
        client: FlaskClient = names["app"].test_client()
        asked = [threads.submit(client.get, "/stock") for _ in range(8)]
        assert threads.submit(client.get, "/about").result(10).status_code == 200
        refused = list(islice(as_completed(asked, timeout=10), 6))
        assert {(each.result().status_code, each.result().headers["Retry-After"]) for each in refused} == {(503, "1")}
        waiting = [each for each in asked if not each.done()]
        assert len(waiting) == 2
        _Slow.may.set()
        assert [each.result(10).status_code for each in waiting] == [200, 200]
        assert threads.submit(client.get, "/stock").result(10).status_code == 200
        server.shutdown()


def _proposed(folder: Path, n: int, source: str = SOURCE, **run: Any) -> list[Proposal]:
    (folder / "shop.py").write_text(source)
    site = Site("shop.py", LINE, "stock")
    found = [pattern("head_of_line_blocking", site)]
    return list(Bulkhead().propose(evidence(folder, found, made={"GET /stock": [site] * 10}, n=n, run=run)))


@pytest.mark.parametrize(("workers", "limit"), [(1, 7), (4, 3)])
def test_the_limit_is_what_is_under_way_at_rest_and_some_more(tmp_path: Path, workers: int, limit: int) -> None:
    """1,000 calls of 20 ms in 10 s are two at a time, half of one in each of four processes, and 3 √n more."""
    (found,) = _proposed(tmp_path, 100, app={"workers": workers, "git_prefix": ""})
    assert f"+STOCK_SLOTS = _Bulkhead({limit})" in found.diff
    assert "Little's law" in found.why


def test_too_few_requests_and_locks_get_no_patch(tmp_path: Path) -> None:
    """Without figures there is no limit, and under a lock it would be of no use: both are left to the words."""
    assert _proposed(tmp_path, 20) == []
    locked = SOURCE.replace("    return requests", "    with lock: return requests")
    assert _proposed(tmp_path, 100, locked) == []
