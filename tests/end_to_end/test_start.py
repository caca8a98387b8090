"""What cannot be started is one clear sentence and exit code 2, and leaves nothing behind."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Command

QUICK = ("--endpoint", "/", "--requests", "10")


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("import no_such_module", "broken:app", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise RuntimeError('no database')", "broken:app", "RuntimeError: no database"),
        ("", "broken:app", "has no 'app'"),
        ("", "missing:app", "missing"),
    ],
    ids=["import", "crash", "no such app", "no such module"],
)
def test_an_app_that_cannot_be_imported(command: Command, source: str, target: str, why: str) -> None:
    """The last lines of the app's output are shown: they have the reason."""
    (command.cwd / "broken.py").write_text(source + "\n")
    done = command.run("run", target, *QUICK)
    assert done.returncode == 2
    assert done.stderr.startswith("chaos-test: the app ended with code ")
    assert why in done.stderr
    assert _kept(command) == ["app.log"]
    assert command.left() == []


def _kept(command: Command) -> list[str]:
    """What the folder of the failed start holds."""
    return [path.name for path in (command.cwd / "reports").rglob("*") if path.is_file()]


def test_a_taken_port(command: Command, shop: Path) -> None:
    """Nothing is started, no folder is made."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        done = command.run("run", "--app-dir", str(shop), "--port", port)
    assert (done.returncode, done.stderr) == (2, f"chaos-test: --port {port} cannot be used: Address already in use\n")
    assert not (command.cwd / "reports").exists()


def test_a_locustfile_that_crashes(command: Command, shop: Path) -> None:
    """Locust's last lines are shown."""
    (command.cwd / "crash.py").write_text("raise RuntimeError('no users today')\n")
    done = command.run("run", "--app-dir", str(shop), "--locustfile", "crash.py")
    assert done.returncode == 2
    assert done.stderr.startswith("chaos-test: Locust ended with code 1 at the start; ")
    assert "RuntimeError: no users today" in done.stderr
    assert _kept(command) == ["locust.log"]
    assert command.left() == []


def test_ctrl_c_before_the_load_begins(command: Command, wait: Callable[[Callable[[], object]], None]) -> None:
    """Exit code 4, and nothing is left of an app that never came up."""
    (command.cwd / "slow.py").write_text("import time\ntime.sleep(60)\n")
    process = command.start("run", "slow:app", *QUICK)
    wait(lambda: command.find("chaos_middleware.serve"))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 4
    assert command.json("run.json")["reason"] == "Stopped by the user before the load began."
    assert command.left() == []
