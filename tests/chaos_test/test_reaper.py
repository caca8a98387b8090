"""The processes of a run and the one that outlives them all, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from chaos_test.processes import Child, Children

if TYPE_CHECKING:
    from collections.abc import Callable

SLEEP = [sys.executable, "-S", "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-S",
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]
FAMILY = [
    sys.executable,
    "-S",
    "-c",
    """import subprocess, sys, time
child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])
print(child.pid, flush=True)
time.sleep(60)""",
]
COMMAND = """
import os, sys
from pathlib import Path
from chaos_test.processes import Children
with Children() as children:
    child = children.start("x", {command!r}, cwd=Path("."), env=os.environ, log=Path("log"))
    while not Path("log").read_text():
        pass
    print(child.pid, children.scratch, flush=True)
    sys.stdin.read()
"""


def start(children: Children, folder: Path, command: list[str], grace: float = 3.0) -> Child:
    """Start a command and wait for its first line."""
    child = children.start("it", command, cwd=folder, env=os.environ, log=folder / "log", grace=grace)
    wait(lambda: bool((folder / "log").read_text()))
    return child


def wait(condition: Callable[[], bool], seconds: float = 8.0) -> None:
    """Poll a condition until it holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether no live process has this id."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_leaving_the_block_ends_what_was_started(tmp_path: Path) -> None:
    """Neither the process nor the scratch folder is left."""
    with Children() as children:
        child = start(children, tmp_path, SLEEP)
        scratch = children.scratch
        assert scratch.is_dir()
    assert gone(child.pid)
    assert not scratch.exists()


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    """After its grace SIGKILL follows, and the log's last lines tell what it said."""
    with Children() as children:
        child = start(children, tmp_path, STUBBORN, grace=0.2)
        children.stop(child)
        assert child.returncode == -signal.SIGKILL
        assert child.how_it_ended() == "was killed by SIGKILL"
        assert child.said().endswith("ends:\n  up")


def test_a_second_ctrl_c_grants_no_grace(tmp_path: Path) -> None:
    """A process that would take a minute to end is killed at once."""
    started = time.monotonic()
    begun: list[Child] = []

    def interrupted() -> None:
        with Children() as children:
            begun.append(start(children, tmp_path, STUBBORN, grace=60))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert begun[0].returncode == -signal.SIGKILL
    assert time.monotonic() - started < 30


def test_grandchildren_end_with_their_parent(tmp_path: Path) -> None:
    """A worker that its server left behind is ended with the server's group."""
    with Children() as children:
        child = start(children, tmp_path, FAMILY)
        worker = int((tmp_path / "log").read_text())
        assert psutil.pid_exists(worker)
        children.stop(child)
        wait(lambda: gone(worker))


@pytest.mark.parametrize("command", [SLEEP, STUBBORN], ids=["willing", "stubborn"])
def test_kill_9_of_the_command_leaves_no_process(tmp_path: Path, command: list[str]) -> None:
    """The reaper ends the group and removes the scratch folder when nobody else can."""
    script = COMMAND.format(command=command)
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        pid, scratch = killed.stdout.readline().split()
        killed.kill()
    wait(lambda: gone(int(pid)))
    wait(lambda: not Path(scratch).exists())
