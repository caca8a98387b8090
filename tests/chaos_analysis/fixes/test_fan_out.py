"""Calls for the items of a list, made together: what the patched code does, and when it is proposed."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import requests

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.fan_out import FanOut
from chaos_analysis.model import Proposal, Site
from tests.chaos_analysis.fixes.seen import evidence, pattern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOOP = """\
import requests


def items(numbers):
    found = []
    for number in numbers:
        answer = requests.get(f"{URL}/{number}")
        answer.raise_for_status()
        found.append(answer.json())
    return found
"""
COMPREHENSION = """\
import requests


def items(numbers):
    return [
        requests.get(f"{URL}/{number}").json() for number in numbers
    ]
"""
SOURCES = pytest.mark.parametrize(("source", "line"), [(LOOP, 7), (COMPREHENSION, 6)])


class _Together(BaseHTTPRequestHandler):
    """Answers four requests when all of them are there, with their paths; 404 for `/9`, at once."""

    four: ClassVar[threading.Barrier] = threading.Barrier(4)

    def do_GET(self) -> None:
        missing = self.path == "/9"
        if not missing:
            self.four.wait(10)
        self.send_response(404 if missing else 200)
        self.send_header("Content-Length", "1")
        self.end_headers()
        self.wfile.write(self.path[1:].encode())

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """A server that answers four at a time, or nobody."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Together) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _patched(source: str, line: int, url: str) -> Any:
    names: dict[str, Any] = {"__name__": "shop", "URL": url}
    exec(compile(FanOut().edit(source, Spot(line=line, method="GET")), "shop.py", "exec"), names)
    return names["items"]


@SOURCES
def test_calls_are_under_way_together_and_their_results_in_order(source: str, line: int, url: str) -> None:
    """Four calls, none of which is answered before all have been made, give what one after the other would."""
    assert _patched(source, line, url)([3, 1, 2, 0]) == [3, 1, 2, 0]


def test_an_error_fails_the_whole_as_before(url: str) -> None:
    """What raises for one item raises for all, with the client's own error."""
    with pytest.raises(requests.HTTPError, match="404"):
        _patched(LOOP, 7, url)([9])


def _proposed(folder: Path, source: str, line: int, target: str = "GET x/stock") -> list[Proposal]:
    (folder / "shop.py").write_text(source)
    found = pattern("n_plus_one", Site("shop.py", line, "items"), target=target)
    return list(FanOut().propose(evidence(folder, [found])))


@SOURCES
def test_people_decide_whether_one_call_would_do(tmp_path: Path, source: str, line: int) -> None:
    """The patch marks one place, and is none to be applied unseen."""
    (found,) = _proposed(tmp_path, source, line)
    assert found.diff.count("# chaos-test: decide") == 1
    assert not found.automatic


def test_what_is_not_to_be_made_together_is_left_to_words(tmp_path: Path) -> None:
    """Calls that change something, and loops that do more than collect, get no patch."""
    assert _proposed(tmp_path, LOOP, 7, "POST x/orders") == []
    assert _proposed(tmp_path, LOOP.replace("answer.raise", "print(answer); answer.raise"), 7) == []
