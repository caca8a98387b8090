"""`chaos-test ui`: tests that are started and stopped in the browser."""

from __future__ import annotations

import json
import signal
import socket
import urllib.parse
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Command


def free_port() -> int:
    """A port for the UI."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(url: str, form: dict[str, Any] | None = None) -> bytes:
    """What the browser does."""
    data = urllib.parse.urlencode(form).encode() if form else None
    with urllib.request.urlopen(url, data, timeout=5) as answer:
        return answer.read()


def test_each_test_stopped_in_the_ui_leaves_its_report(
    command: Command, shop: Path, wait: Callable[[Callable[[], object]], None]
) -> None:
    """Two tests one after the other, each with its own rows and faults; Ctrl-C then ends everything."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = command.start("ui", "--app-dir", str(shop), "--web-port", str(port), "--stages", "baseline=1s,chaos=1h")

    def up() -> bool:
        with suppress(OSError):
            return b"Locust" in ask(url)
        return False

    wait(lambda: up() or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    for number in (1, 2):
        ask(f"{url}/swarm", {"user_count": 4, "spawn_rate": 4})
        requests = command.run_dir / f"test-{number}" / "requests" / "local.jsonl"
        wait(lambda file=requests: file.exists() and file.read_bytes().count(b'"chaos"') > 100)
        ask(f"{url}/stop", {"": ""})
        wait((command.run_dir / f"test-{number}" / "chaos-test-report.html").exists)
        assert b"chaos-report" in ask(url)
        assert f"/test-{number}".encode() in ask(f"{url}/chaos-report")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert command.left() == []
    for number in (1, 2):
        folder = command.run_dir / f"test-{number}"
        results = json.loads((folder / "load-results.json").read_bytes())
        assert results["exit_code"] == 0, results["headline"]
        assert f"test-{number}/chaos-test-report.html" in out
