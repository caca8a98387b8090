"""Faults of a cache in an app that a real server serves: three gevent workers, and threads."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("redis")
RULES = [
    {"name": "late", "rate": 1, "match": {"key": ["late"]}, "fault": {"type": "latency", "seconds": 0.2}},
    {"name": "silent", "rate": 1, "match": {"key": ["silent"]}, "fault": {"type": "latency", "seconds": 30}},
    {"name": "torn", "rate": 0.5, "match": {"key": ["torn"]}, "fault": {"type": "connection_reset"}},
    {"name": "gone", "rate": 0.5, "match": {"key": ["gone"]}, "fault": {"type": "cache_miss"}},
]
EXPERIMENT = {"version": 1, "seed": 3, "rules": [{"seam": "cache", **rule} for rule in RULES]}
SERVERS = {"gunicorn": 3, "gthread": 1}
CLIENTS = 8


@pytest.fixture(params=SERVERS)
def ask(request, tmp_path, server):
    """`ask(key of the cache, request key)`: what the app got, after how many seconds, in which process."""
    config = tmp_path / "chaos-config.json"
    config.write_text(json.dumps(EXPERIMENT))
    command = [sys.executable, "-m", "chaos_middleware.serve", "caching:app", "--server", request.param]
    command += ["--bind", "127.0.0.1:0", "--config", str(config), "--run-dir", str(tmp_path)]
    command += ["--app-dir", str(Path(__file__).parent)]
    command += ["--workers", str(SERVERS[request.param])] if SERVERS[request.param] > 1 else []
    environment = {**os.environ, "CACHE_URL": f"{server.connection_url}?client_name={tmp_path.name}"}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    found = re.search(r"http://[\d.:]+", process.stdout.readline())
    assert found, (tmp_path / "log").read_text()

    def ask(path, key):
        asked = urllib.request.Request(f"{found[0]}/{path}", headers={"X-Chaos-Key": key})
        with urllib.request.urlopen(asked, timeout=20) as response:
            return json.loads(response.read())

    def records(kind):
        lines = [line for part in tmp_path.glob("faults/*.jsonl") for line in part.read_text().splitlines()]
        return [record for record in map(json.loads, lines) if record["kind"] == kind]

    ask.records, ask.workers, ask.name = records, SERVERS[request.param], tmp_path.name
    yield ask
    process.terminate()
    try:
        process.wait(timeout=10)
    finally:
        process.kill()
        process.stdout.close()


@pytest.fixture
def fill(server):
    """Something is stored under each key."""
    import redis

    with redis.Redis(port=server.port) as client:
        client.mset({"torn": "t", "gone": "g", "late": "l", "silent": "s"})


def test_each_key_meets_its_own_faults(ask, fill):
    """120 requests, twice, over whatever worker: the same ones fail or miss both times, as the ledger has it."""

    def one(n):
        return ask("torn" if n % 2 else "gone", f"{n}.0.0")[::2]

    with ThreadPoolExecutor(CLIENTS) as pool:
        first = list(pool.map(one, range(120)))
        events = {record["key"] for record in ask.records("fault")}
        again = list(pool.map(one, range(120)))
    answers = [answer for answer, _ in first]
    assert answers == [answer for answer, _ in again]
    assert {f"{n}.0.0" for n, answer in enumerate(answers) if answer in (None, "ConnectionError")} == events
    assert set(answers) == {"ConnectionError", "t", None, "g"}
    assert 30 < len(events) < 90


def test_a_delay_ends_with_the_socket_timeout_and_holds_up_nobody_else(ask, fill):
    """30 s of delay are a TimeoutError at 0.4 s, while other requests are answered."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        silent = pool.submit(ask, "silent", "1.0.0")
        late = list(pool.map(lambda n: ask("late", f"2.{n}.0"), range(6)))
        what, seconds, _ = silent.result()
    assert what == "TimeoutError"
    assert 0.4 <= seconds < 1.5
    assert [answer for answer, _, _ in late] == ["l"] * 6
    assert all(0.2 <= seconds < 1.2 for _, seconds, _ in late)


def test_no_connection_is_left_behind(ask, fill, server):
    """After 150 requests with resets and timeouts the server has as many clients as the app can use at once."""
    import redis

    with redis.Redis(port=server.port) as client, ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda n: ask("torn" if n % 10 else "silent", f"{n}.0.0"), range(150)))
        assert len(ask.records("fault")) > 60
        until = time.monotonic() + 5
        while (left := _named(client, ask.name)) > CLIENTS * ask.workers and time.monotonic() < until:
            time.sleep(0.05)
        assert left <= CLIENTS * ask.workers


def _named(client, name):
    return sum(each["name"] == name for each in client.client_list())
