"""Starting the app and waiting for its first answer."""

from __future__ import annotations

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from chaos_test import server
from chaos_test.errors import ChaosTestError
from chaos_test.processes import Children

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Answers404(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    """A server that knows no route at all."""
    with HTTPServer(("127.0.0.1", 0), _Answers404) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_any_answer_counts(url: str) -> None:
    """An app without /healthz is ready when it says so."""
    assert server.answers(url)
    assert server.wait_until_ready(url, (), lambda: False)


def test_a_closed_port_is_no_answer() -> None:
    """Port 1 has no listener."""
    assert not server.answers("http://127.0.0.1:1")


def test_waiting_ends_when_the_user_stops() -> None:
    """Ctrl-C while the app starts is not an error."""
    assert server.wait_until_ready("http://127.0.0.1:1", (), lambda: True) is False


def test_waiting_ends_when_a_process_does(tmp_path: Path) -> None:
    """The sentence says which, how, and the last it said."""
    with Children() as children:
        code = "raise SystemExit('ModuleNotFoundError: No module named shop')"
        command = [sys.executable, "-S", "-c", code]
        app = children.start("the app", command, cwd=tmp_path, env=os.environ, log=tmp_path / "app.log")
        why = r"the app ended with code 1 at the start; .*app.log ends:\n  ModuleNotFoundError: No module named shop"
        with pytest.raises(ChaosTestError, match=why):
            server.wait_until_ready("http://127.0.0.1:1", (app,), lambda: False)


def test_an_app_that_hangs_in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its log is empty, and the sentence says so instead of quoting nothing."""
    monkeypatch.setattr(server, "START_SECONDS", 0.1)
    with Children() as children:
        command = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
        app = children.start("the app", command, cwd=tmp_path, env=os.environ, log=tmp_path / "app.log")
        with pytest.raises(ChaosTestError, match=r"within 0.1 s; the app wrote nothing to .*app.log\Z"):
            server.wait_until_ready("http://127.0.0.1:1", (app,), lambda: False)


def test_waiting_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that never answers is given up."""
    monkeypatch.setattr(server, "START_SECONDS", 0.1)
    with pytest.raises(ChaosTestError, match=r"http://127.0.0.1:1 did not answer within 0.1 s"):
        server.wait_until_ready("http://127.0.0.1:1", (), lambda: False)
