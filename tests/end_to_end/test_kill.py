"""Whatever is killed, and whoever stops it: no process is left, and there is a report."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import Popen

    from conftest import Command

    Wait = Callable[[Callable[[], object]], None]


@pytest.fixture
def running(command: Command, shop: Path, wait: Wait) -> Popen[str]:
    """A run in the middle of its load: a hundred rows are in, thousands are to come."""
    process = command.start("run", "--app-dir", str(shop), "--requests", "20000", "--users", "5")
    wait(lambda: len(command.rows()) > 100 or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    return process


def test_ctrl_c_ends_it_with_a_report(command: Command, running: Popen[str]) -> None:
    """Exit code 4, and what was seen until then is reported."""
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 4, out
    assert command.json("run.json")["ended_by"] == "interrupted"
    assert len(command.rows()) > 100
    assert (command.run_dir / "chaos-test-report.md").is_file()
    assert command.left() == []


def test_a_second_ctrl_c_ends_it_at_once(command: Command, running: Popen[str], wait: Wait) -> None:
    """No report, no process either."""
    running.send_signal(signal.SIGINT)
    wait(lambda: command.find("locust") == [] or running.poll() is None)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=30) == 4
    wait(lambda: command.left() == [])


def test_kill_9_of_the_command_leaves_no_process_and_no_fault(
    command: Command, running: Popen[str], wait: Wait
) -> None:
    """The reaper ends app and Locust; the report is then made from what is there."""
    running.kill()
    running.wait()
    wait(lambda: command.left() == [])
    before = sum(file.stat().st_size for file in command.run_dir.glob("faults/*"))
    done = command.run("report")
    assert done.returncode == 3, done.stdout + done.stderr
    assert (command.run_dir / "chaos-test-report.md").is_file()
    assert (command.run_dir / "sources" / "shop.py").is_file()
    assert sum(file.stat().st_size for file in command.run_dir.glob("faults/*")) == before


def test_kill_9_of_locust_is_an_invalid_run_with_a_report(command: Command, running: Popen[str]) -> None:
    """Exit code 3, and the sentence says what happened."""
    command.find("-m", "locust")[0].kill()
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 3, out
    assert "Locust was killed by SIGKILL after" in command.json("run.json")["reason"]
    assert (command.run_dir / "chaos-test-report.md").is_file()
    assert command.left() == []


def test_kill_9_of_a_worker_does_not_end_the_run(command: Command, running: Popen[str], wait: Wait) -> None:
    """The server replaces it and the run goes on; nothing is left in the end."""
    server, *workers = command.find("chaos_middleware.serve", "shop:create_app")
    workers[0].kill()
    seen = len(command.rows())
    wait(lambda: len(command.rows()) > seen + 200)
    assert running.poll() is None
    assert server.is_running()
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=60) == 4
    assert command.left() == []


def test_an_app_that_dies_in_the_middle_is_an_invalid_run(command: Command, running: Popen[str]) -> None:
    """Exit code 3; which process, and where its output is."""
    command.find("chaos_middleware.serve", "shop:create_app")[0].kill()
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 3, out
    assert command.json("run.json")["reason"].startswith("The app was killed by SIGKILL after ")
    assert command.left() == []
