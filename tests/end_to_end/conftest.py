"""A tiny shop under the real command, with real servers and real Locust."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHOP = Path(__file__).parent / "shop"
_MARK = "END_TO_END_MARK"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is marked `end_to_end`."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.end_to_end)


@dataclass
class Command:
    """`chaos-test` as a user starts it, with all its processes marked so that those left behind are found."""

    cwd: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def run_dir(self) -> Path:
        """The only run folder."""
        (found,) = (self.cwd / "reports").iterdir()
        return found

    def json(self, name: str) -> Any:
        """One of the run's artefacts."""
        return json.loads((self.run_dir / name).read_bytes())

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start it and go on."""
        return subprocess.Popen(
            [sys.executable, "-m", "chaos_test", *words],
            cwd=self.cwd,
            env=os.environ | {_MARK: self.mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Start it and wait for its end."""
        with self.start(*words) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def rows(self) -> list[list[Any]]:
        """The whole rows that the client has recorded so far."""
        lines = [
            line
            for part in self.cwd.glob("reports/*/requests/*.jsonl")
            for line in part.read_bytes().splitlines(keepends=True)
        ]
        return [json.loads(line) for line in lines if line.startswith(b"[") and line.endswith(b"\n")]

    def left(self) -> list[psutil.Process]:
        """The live processes that the command, or what it started, has started."""
        return [process for process in psutil.process_iter() if self._ours(process)]

    def find(self, *words: str) -> list[psutil.Process]:
        """Those of them with all these words in their command line, oldest first."""
        found = [process for process in self.left() if all(word in _command_line(process) for word in words)]
        return sorted(found, key=lambda process: process.create_time())  # known since the process was found

    def _ours(self, process: psutil.Process) -> bool:
        try:
            return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(_MARK) == self.mark
        except psutil.Error:
            return False


def _command_line(process: psutil.Process) -> str:
    """Nothing of a process that has ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """The command in a folder of its own; whatever a failed test leaves is ended."""
    started = Command(tmp_path)
    yield started
    for process in started.left():
        process.send_signal(signal.SIGKILL)


@pytest.fixture(scope="session")
def command_in() -> Callable[[Path], Command]:
    """Makes a command in a given folder, for fixtures that outlive one test."""
    return Command


@pytest.fixture(scope="session")
def shop() -> Path:
    """The folder of the tiny shop."""
    return SHOP


@pytest.fixture(scope="module")
def shop_run(tmp_path_factory: pytest.TempPathFactory, shop: Path) -> tuple[Command, subprocess.CompletedProcess[str]]:
    """One finished run of the shop that several tests look at."""
    shared = Command(tmp_path_factory.mktemp("run"))
    return shared, shared.run("run", "--app-dir", str(shop), "--requests", "600", "--workers", "1")


@pytest.fixture
def wait() -> Callable[[Callable[[], object]], None]:
    """A function that polls a condition until it holds."""

    def poll(condition: Callable[[], object]) -> None:
        until = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < until, "it never came"
            time.sleep(0.05)

    return poll
