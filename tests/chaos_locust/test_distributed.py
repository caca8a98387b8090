"""A master and workers: the same plan, and nothing lost."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

pytestmark = pytest.mark.end_to_end

USERS = """
from locust import FastHttpUser, HttpUser, between, task
import random
import chaos_locust

class Buyer(FastHttpUser):
    wait_time = between(0.001, 0.01)

    @task
    def look(self):
        self.client.get(f"/items/{random.randint(1, 50)}", name="/items/[id]")

    @task
    def flaky(self):
        self.client.get("/flaky")

class Seller(HttpUser):
    @task
    def sell(self):
        self.client.post("/items", json={"n": random.random()})
"""


def test_workers_send_exactly_the_plan_each_time(locust, two_processes):
    """Quotas are shared over the processes, and it does not matter which worker connects first."""
    runs = [locust(USERS, *two_processes, "-u", "5", "--chaos-requests", "62") for _ in range(2)]
    for run in runs:
        run.assert_agrees()
        assert sorted(run.parts()) == ["worker-0", "worker-1"]
        assert len(run.rows()) == 62
    assert runs[0].keys() == runs[1].keys()
    assert {row["key"].split(".")[0] for row in runs[0].rows()} == {"0-0", "0-1", "0-2", "1-0", "1-1"}


def test_requests_under_way_in_workers_are_waited_for(locust, two_processes):
    """When the time is up, Locust's master waits half a second for its workers; these requests take longer."""
    slow = USERS.replace('"/items", json', '"/items?sleep=1.5", json')
    run = locust(slow, *two_processes, "-u", "4", "--run-time", "2")
    run.assert_agrees()
    assert any(row["response_ms"] > 1400 for row in run.rows())


@pytest.fixture
def remote(locust, free_port):
    """A master, and a worker that takes it for another machine's: rows have to go by post."""
    master, folder = locust.start(
        *(USERS, "--headless", "--only-summary", "--master", "--master-bind-port", str(free_port)),
        *("-u", "3", "-r", "9", "--run-time", "4"),
    )
    worker, _ = locust.start(USERS, "--worker", "--master-host", "127.0.0.2", "--master-port", str(free_port))
    return master, worker, folder


def test_rows_of_a_worker_elsewhere_reach_the_master(locust, remote):
    """All of them, with the last line, the load and the stages."""
    locust.server.take()
    master, worker, folder = remote
    output, _ = master.communicate(timeout=40)
    worker.communicate(timeout=20)
    part = [json.loads(line) for line in (folder / "requests" / "worker-0.jsonl").read_bytes().splitlines()]
    hits = locust.server.take()
    assert sorted(row[0] for row in part[1:-1]) == sorted(hit["key"] for hit in hits), output
    finished = json.loads((folder / "test-finished.json").read_bytes())
    assert part[-1]["rows"] == len(hits) == finished["requests"]
    assert sum(requests for requests, _ in part[-1]["totals"].values()) == len(hits)
    load = (folder / "requests" / "load.jsonl").read_text().splitlines()
    stages = (folder / "requests" / "stages.jsonl").read_text().splitlines()
    assert len(load) >= 4
    assert [json.loads(line)["stage"] for line in stages] == ["baseline", "chaos", "recovery"]


def test_ctrl_c_for_all_processes_at_once_loses_nothing(locust, two_processes):
    """A terminal sends it to the master and to its workers alike."""
    locust.server.take()
    process, folder = locust.start(USERS, "--headless", *two_processes, "-u", "4", "-r", "9")
    while not (folder / "requests" / "worker-1.jsonl").exists():
        time.sleep(0.05)
        assert process.poll() is None
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    parts = [(folder / "requests" / f"worker-{n}.jsonl").read_bytes().splitlines() for n in (0, 1)]
    rows = sum(len(part) - 2 for part in parts)
    finished = json.loads((folder / "test-finished.json").read_bytes())
    assert [json.loads(part[-1])["rows"] for part in parts] == [len(part) - 2 for part in parts]
    assert rows == finished["requests"] == len(locust.server.take()), output
