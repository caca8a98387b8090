"""The retries that are proposed, at work against a real server."""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.error import HTTPError

import pytest
import requests

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.retry import Retry
from chaos_analysis.fixes.retry_with_stamina import RetryWithStamina

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = """\
import requests


def call(url, query=None):
    return requests.get(url, query)


def order(url):
    return requests.post(url)
"""


OTHERS = {
    "requests": "import requests\n\nsession = requests.Session()\n\n\ndef call(url):\n    return session.get(url)\n",
    "httpx": "import httpx\n\n\ndef call(url):\n    return httpx.get(url)\n",
    "urllib": "from urllib.request import urlopen\n\n\ndef call(url):\n    return urlopen(url, timeout=1)\n",
    "urllib3": "import urllib3\n\npool = urllib3.PoolManager()\ncall = lambda url: pool.request('GET', url)\n",
}


class _Flaky(BaseHTTPRequestHandler):
    """Fails each path's first request as its name says, then answers 200 and sets a cookie."""

    hits: ClassVar[Counter[tuple[str, str]]] = Counter()
    cookies: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.hits[self.command, path] += 1
        self.cookies.append(self.headers.get("Cookie"))
        first = self.hits[self.command, path] == 1
        if path == "/reset" and first:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        if path == "/cut" and first:
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True
            return
        busy = path == "/down" or (path == "/busy" and first)
        self.send_response(503 if busy else 404 if path == "/gone" else 200)
        self.send_header("Set-Cookie", "user=1")
        self.send_header("Retry-After", "3600")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """A server that forgets what it counted before."""
    _Flaky.hits.clear()
    _Flaky.cookies.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Flaky) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def patched() -> dict[str, Any]:
    """The names of the patched module, whose GET is retried."""
    names: dict[str, Any] = {}
    exec(compile(Retry().edit(SOURCE, Spot(line=5, method="GET")), "patched.py", "exec"), names)
    return names


@pytest.mark.parametrize("path", ["/reset", "/busy"])
def test_a_fault_that_passes_is_not_seen(patched: dict[str, Any], url: str, path: str) -> None:
    """A reset connection or a 503 is repeated once, at once, however long the server asks to wait."""
    assert patched["call"](url + path, {"q": 1}).status_code == 200
    assert _Flaky.hits["GET", path] == 2


def test_an_outage_is_handed_back_as_it_was(patched: dict[str, Any], url: str) -> None:
    """After two repetitions the caller gets the 503 itself, as without retries."""
    assert patched["call"](url + "/down").status_code == 503
    assert _Flaky.hits["GET", "/down"] == 3


def test_a_mounted_retry_does_not_see_a_body_cut_short(patched: dict[str, Any], url: str) -> None:
    """requests reads the body when urllib3 is done: nothing is repeated, and the error is the caller's."""
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        patched["call"](url + "/cut")
    assert _Flaky.hits["GET", "/cut"] == 1


def test_a_post_is_sent_once(patched: dict[str, Any], url: str) -> None:
    """Neither the bare POST nor one on the session with retries is repeated after it was sent."""
    for post in (patched["order"], patched["SESSION"].post):
        with pytest.raises(requests.ConnectionError):
            post(url + "/reset")
        assert _Flaky.hits.pop(("POST", "/reset")) == 1


def test_calls_share_no_cookies(patched: dict[str, Any], url: str) -> None:
    """A cookie that one answer sets is not sent with the next call, as with `requests.get`."""
    patched["call"](url + "/a")
    patched["call"](url + "/a")
    assert _Flaky.cookies == [None, None]


def _other(library: str, **known: Any) -> Any:
    """The function `call` of the patched module, which calls with this library."""
    source = OTHERS[library]
    names: dict[str, Any] = {}
    line = source.count("\n")  # the last one
    fix = Retry() if library == "urllib3" else RetryWithStamina()
    exec(compile(fix.edit(source, Spot(line=line, method="GET", **known)), "patched.py", "exec"), names)
    return names["call"]


@pytest.mark.parametrize(
    ("library", "path"),
    [
        *(("requests", "/reset"), ("requests", "/cut")),
        *(("httpx", "/reset"), ("httpx", "/cut")),
        *(("urllib", "/reset"), ("urllib", "/busy")),
        *(("urllib3", "/busy"), ("urllib3", "/cut")),
    ],
)
def test_other_ways_do_not_see_a_fault_that_passes_either(url: str, library: str, path: str) -> None:
    """One repetition is enough: by stamina for requests, httpx and urllib, by its own policy for urllib3."""
    answer = _other(library)(url + path)
    assert (getattr(answer, "status_code", None) or answer.status) == 200
    assert _Flaky.hits["GET", path] == 2


def test_urllib_raises_what_it_raised_when_the_attempts_are_used_up(url: str) -> None:
    """After two repetitions the 503 is the error that it was; a 404 would not be repeated at all."""
    call = _other("urllib", repeats=2)
    with pytest.raises(HTTPError) as raised:
        call(url + "/down")
    assert raised.value.code == 503
    assert _Flaky.hits["GET", "/down"] == 3
    with pytest.raises(HTTPError):
        call(url + "/gone")
    assert _Flaky.hits["GET", "/gone"] == 1
