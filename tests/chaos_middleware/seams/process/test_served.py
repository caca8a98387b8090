"""Windows of the `process` seam in an app that gunicorn serves with three gevent workers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

WORKERS = 3
RULES = [
    {"name": "killed", "rate": {"death": 1}, "fault": {"type": "worker_killed"}},
    {"name": "starved", "rate": {"starved": 1}, "fault": {"type": "descriptors_exhausted", "seconds": 3}},
    {"name": "full", "rate": {"full": 1}, "fault": {"type": "memory_pressure", "megabytes": 150, "seconds": 60}},
]


class Served:
    """The app under these rules."""

    def __init__(self, folder):
        self.folder = folder
        config = folder / "chaos-config.json"
        rules = [{"seam": "process", **rule} for rule in RULES]
        config.write_text(json.dumps({"version": 1, "seed": 1, "rules": rules}))
        command = [sys.executable, "-m", "chaos_middleware.serve", "pids:app", "--workers", str(WORKERS)]
        command += ["--bind", "127.0.0.1:0", "--config", str(config), "--run-dir", str(folder)]
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--app-dir", str(Path(__file__).parent)], stdout=subprocess.PIPE, stderr=log, text=True
            )
        found = re.search(r"http://[\d.:]+", self.process.stdout.readline())
        assert found, self.log.read_text()
        self.url = found[0]

    def ask(self, stage):
        """The pid of the worker that answered, or None where none did."""
        asked = urllib.request.Request(self.url, headers={"X-Chaos-Key": "1.1.1", "X-Chaos-Stage": stage})
        try:
            with urllib.request.urlopen(asked, timeout=5) as response:
                return int(response.read())
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None

    def workers(self):
        """The pids of the living workers."""
        return {child.pid for child in psutil.Process(self.process.pid).children()}

    def records(self, kind):
        lines = [line for part in self.folder.glob("faults/*.jsonl") for line in part.read_text().splitlines()]
        return [record for record in map(json.loads, lines) if record["kind"] == kind]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        finally:
            self.process.kill()
            self.process.stdout.close()


@pytest.fixture
def served(tmp_path):
    """Running, with all of its workers."""
    running = Served(tmp_path)
    try:
        assert wait_for(lambda: len(running.workers()) == WORKERS and running.ask("calm"))
        yield running
    finally:
        running.stop()


def wait_for(condition, seconds=10.0):
    """Whether it came true in time."""
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return condition()


def test_one_worker_is_killed_and_another_takes_its_place(served):
    """Exactly one of the three, once, with start and end in the ledger."""
    before = served.workers()
    for _ in range(20):
        served.ask("death")
    assert wait_for(lambda: len(served.workers()) == WORKERS and served.workers() != before)
    (event,), (end,) = served.records("fault"), served.records("end")
    assert before - served.workers() == {event["pid"]}
    assert end["measured"]["did"] == f"SIGKILL to {event['pid']}"
    assert served.ask("calm") in served.workers()


def test_a_worker_without_descriptors_takes_up_again(served):
    """Its window over, it accepts connections as before."""
    fds = {pid: psutil.Process(pid).num_fds() for pid in served.workers()}
    served.ask("starved")
    assert wait_for(lambda: served.records("fault"))
    pid = served.records("fault")[0]["pid"]
    assert wait_for(lambda: psutil.Process(pid).num_fds() > fds[pid] + 100, 3)
    assert wait_for(lambda: served.records("end"))
    assert wait_for(lambda: psutil.Process(pid).num_fds() <= fds[pid] + 4)  # the ledger's files, a connection
    assert served.records("end")[0]["measured"]["seconds"] == pytest.approx(3, abs=1.5)
    others = [psutil.Process(other) for other in served.workers() - {pid}]
    for other in others:
        other.suspend()
    try:
        assert wait_for(lambda: served.ask("calm") == pid)
    finally:
        for other in others:
            other.resume()


def test_the_kill_file_gives_the_memory_back(served):
    """A worker that held it shrinks within a second."""
    served.ask("full")
    assert wait_for(lambda: served.records("fault"))
    held = psutil.Process(served.records("fault")[0]["pid"])
    assert wait_for(lambda: held.memory_info().rss > 150 << 20)
    (served.folder / "kill").touch()
    assert wait_for(lambda: held.memory_info().rss < 120 << 20, 3)
