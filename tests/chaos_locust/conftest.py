"""Real Locust processes against a real server, each run in a folder of its own.

Locust patches the process that imports it, so no test imports it here; modules that do not need it are imported without
running `chaos_locust/__init__.py`.
"""

from __future__ import annotations

import contextlib
import csv
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import types
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BESIDES = ("load", "stages", "facts-", "shapes-", "exceptions-")
PURE = (
    *("plan", "script", "draws", "journey", "recorder", "mapped", "folder", "deadline", "turns"),
    *("content", "facts", "service", "invariants", "checking"),
)


@pytest.fixture(scope="session")
def pure():
    """The modules that import no Locust, as attributes."""
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "chaos_locust"}
    stub = types.ModuleType("chaos_locust")
    stub.__path__ = [str(ROOT / "chaos_locust")]
    sys.modules["chaos_locust"] = stub
    found = SimpleNamespace(**{name: importlib.import_module(f"chaos_locust.{name}") for name in PURE})
    for name in [name for name in sys.modules if name.split(".")[0] == "chaos_locust"]:
        del sys.modules[name]
    sys.modules.update(before)
    return found


def some_port() -> int:
    """One that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def lines(file: Path) -> list:
    """The JSON lines of a file."""
    return [json.loads(line) for line in file.read_text().splitlines()]


@dataclass
class Server:
    """The server, and the file of what reached it."""

    url: str
    file: Path

    def take(self) -> list[dict]:
        """The hits since the last time."""
        hits = lines(self.file)
        os.truncate(self.file, 0)
        return hits


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for all tests; each takes its own hits."""
    port, file = some_port(), tmp_path_factory.mktemp("server") / "hits"
    file.touch()
    process = subprocess.Popen([sys.executable, str(HERE / "server.py"), str(port), str(file)])
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    yield Server(f"http://127.0.0.1:{port}", file)
    process.kill()
    process.wait()


@dataclass
class Run:
    """What a run of Locust left."""

    folder: Path
    output: str
    exit_code: int
    hits: list[dict]

    def parts(self) -> dict[str, list]:
        """The records of each part, by its name."""
        files = (self.folder / "requests").glob("*.jsonl")
        return {file.stem: lines(file) for file in sorted(files) if not file.stem.startswith(BESIDES)}

    def rows(self) -> list[dict]:
        """All rows."""
        return [
            dict(zip(part[0]["columns"], record, strict=True))
            for part in self.parts().values()
            for record in part
            if isinstance(record, list)
        ]

    def keys(self) -> list[str]:
        """What was planned: stage, key, method and path of each request, in the order of the keys."""
        return sorted(f"{row['stage']} {row['key']} {row['method']} {row['path']}" for row in self.rows())

    def beside(self, name: str) -> list[dict]:
        """The records of `load.jsonl` or `stages.jsonl`."""
        return lines(self.folder / "requests" / name)

    def table(self, name: str) -> list[dict]:
        """One of Locust's CSV files."""
        with (self.folder / f"locust_{name}.csv").open() as file:
            return list(csv.DictReader(file))

    def total(self) -> int:
        """Requests as Locust's table counts them."""
        return int(self.table("stats")[-1]["Request Count"])

    def assert_agrees(self) -> None:
        """Rows, hits, Locust's tables and the parts' last lines tell the same."""
        rows, closed = self.rows(), [part[-1] for part in self.parts().values()]
        failed = sum(row["error_class"] is not None for row in rows)
        assert sorted(row["key"] for row in rows) == sorted(hit["key"] for hit in self.hits), self.output
        assert self.total() == len(rows) == sum(last["rows"] for last in closed)
        assert sum(last["errors"] for last in closed) == 0
        assert int(self.table("stats")[-1]["Failure Count"]) == failed
        assert int(self.table("stats_history")[-1]["Total Request Count"]) == len(rows)
        assert sum(int(row["Occurrences"]) for row in self.table("failures")) == failed
        counted = [sum(pair[i] for last in closed for pair in last["totals"].values()) for i in (0, 1)]
        assert counted == [len(rows), failed]


class Locust:
    """Starts Locust with a locustfile given as text."""

    def __init__(self, tmp_path: Path, server: Server) -> None:
        self.tmp_path, self.server = tmp_path, server
        self.count = 0
        self.started: list[subprocess.Popen] = []

    def command(self, text: str | Path, *options: str, folder: Path) -> list[str]:
        file = text if isinstance(text, Path) else self.tmp_path / f"users_{self.count}.py"
        if isinstance(text, str):
            file.write_text(text)
        return [
            *(sys.executable, "-m", "locust", "-f", str(file), "--host", self.server.url),
            *("--chaos-run-dir", str(folder), *options),
        ]

    def start(self, text: str | Path, *options: str) -> tuple[subprocess.Popen, Path]:
        """Start it and go on."""
        self.count += 1
        folder = self.tmp_path / f"run-{self.count}"
        command = self.command(text, *options, folder=folder)
        env = os.environ | {"PYTHONHASHSEED": str(self.count)}
        process = subprocess.Popen(
            command,
            cwd=self.tmp_path,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.started.append(process)
        return process, folder

    def __call__(self, text: str | Path, *options: str) -> Run:
        """Run it headless to its end."""
        self.server.take()
        process, folder = self.start(text, "--headless", "--only-summary", "-r", "50", *options)
        output, _ = process.communicate(timeout=60)
        return Run(folder, output, process.returncode, self.server.take())

    def kill(self) -> None:
        """Leave no process behind, with whatever a test failed."""
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=10)


@pytest.fixture
def locust(tmp_path, server):
    """Start Locust: `locust(text of a locustfile, *options)`."""
    starter = Locust(tmp_path, server)
    yield starter
    starter.kill()


@pytest.fixture
def two_processes(free_port):
    """Options for a master and two workers, who meet at a port of their own."""
    return ("--processes", "2", "--master-bind-port", str(free_port), "--master-port", str(free_port))


@pytest.fixture
def free_port():
    """A port that nothing listens on."""
    return some_port()


@pytest.fixture(scope="session")
def port():
    """A function that finds a port that nothing listens on."""
    return some_port


@pytest.fixture(scope="session")
def starter():
    """The class behind `locust`, for fixtures of a wider scope."""
    return Locust
