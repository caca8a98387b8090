"""Faults of a database in an app that a real server serves: greenlets, eight threads, three processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chaos_middleware import draws

UPDATES = ["UPDATE"]
RULES = [
    {"name": "late", "match": {"route": ["/late"]}, "fault": {"type": "latency", "seconds": 0.3}},
    {"name": "slow", "match": {"route": ["/slow"]}, "fault": {"type": "slow_statement", "seconds": 0.3}},
    {"name": "none", "match": {"route": ["/none"]}, "fault": {"type": "pool_exhaustion", "seconds": 1}},
    {
        "name": "locked",
        "match": {"route": ["/locked"], "verb": UPDATES},
        "fault": {"type": "lock_contention", "seconds": 0.5},
    },
    {
        "name": "held",
        "match": {"route": ["/held"], "verb": UPDATES},
        "fault": {"type": "lock_contention", "seconds": 60},
    },
    {
        "name": "half",
        "rate": 0.5,
        "match": {"verb": ["SELECT"]},
        "fault": {"type": "statement_error", "kind": "deadlock"},
    },
]
EXPERIMENT = {"version": 1, "seed": 3, "rules": [{"seam": "database", "rate": 1, **rule} for rule in RULES]}


class Served:
    """A served app."""

    def __init__(self, folder, url, server, *, workers=1, app="shop:app"):
        self.folder = folder
        config = folder / "chaos-config.json"
        config.write_text(json.dumps(EXPERIMENT))
        command = [sys.executable, "-m", "chaos_middleware.serve", app, "--server", server]
        command += [
            "--workers",
            str(workers),
            "--bind",
            "127.0.0.1:0",
            "--config",
            str(config),
            "--run-dir",
            str(folder),
        ]
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--app-dir", str(Path(__file__).parent)],
                stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "DATABASE_URL": url},
            )  # fmt: skip
        found = re.search(r"http://[\d.:]+", self.process.stdout.readline())
        assert found, (folder / "log").read_text()
        self.url = found[0]

    def ask(self, path, key):
        """What the app found, the seconds it took, and its process."""
        asked = urllib.request.Request(self.url + path, headers={"X-Chaos-Key": key})
        with urllib.request.urlopen(asked, timeout=20) as response:
            return json.loads(response.read())

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
def serve(tmp_path, bookings):
    """`serve(url, server, workers)`; stopped at the end, before the connections are counted."""
    served = []

    def serve(url, server, **how):
        served.append(Served(tmp_path, url, server, **how))
        return served[-1]

    yield serve
    for each in served:
        each.stop()


def at_once(served, path, count):
    """Several requests at once, each with a key of its own."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda n: served.ask(path, f"{n}.0.0"), range(count)))


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "sqlite"])
@pytest.mark.parametrize("server", ["gunicorn", "gthread"])
def test_a_lock_is_given_back_while_the_worker_waits_for_it(serve, bookings, file, server, driver):
    """Also where the wait, in C, stalls every greenlet: after 0.5 s the statement goes on."""
    served = serve(f"sqlite:///{file}" if driver == "sqlite" else bookings.url(driver), server)
    found, seconds, _ = served.ask("/locked", "1.0.0")
    assert found == "written"
    assert 0.4 <= seconds < 3


@pytest.mark.parametrize("server", ["gunicorn", "gthread"])
def test_delays_hold_up_only_their_own_request(serve, bookings, server):
    """Six delays of 0.3 s at once take far less than 1.8 s."""
    served = serve(bookings.url("psycopg"), server)
    started = time.monotonic()
    answers = at_once(served, "/late", 6)
    assert {found for found, *_ in answers} == {"written"}
    assert min(seconds for _, seconds, _ in answers) >= 0.3
    assert time.monotonic() - started < 1.6


def test_a_statement_of_sqlite_stalls_every_greenlet(serve, file):
    """As a long query does in earnest: a request that asks nothing waits behind it."""
    served = serve(f"sqlite:///{file}", "gunicorn")
    served.ask("/idle", "0.0.0")
    with ThreadPoolExecutor(2) as pool:
        started = time.monotonic()
        slow = pool.submit(served.ask, "/slow", "1.0.0")
        time.sleep(0.1)
        pool.submit(served.ask, "/idle", "2.0.0").result()
        assert time.monotonic() - started >= 0.3
        assert slow.result()[0] == "written"


@pytest.mark.parametrize("server", ["gunicorn", "gthread"])
def test_an_exhausted_pool_times_out_and_recovers(serve, bookings, server):
    """`pool_timeout` 0.4 s; when the connections are given back, the pool works again."""
    served = serve(bookings.url("psycopg"), server)
    found, seconds, _ = served.ask("/none", "1.0.0")
    assert found == "TimeoutError"
    assert 0.4 <= seconds < 2
    time.sleep(1)
    assert served.ask("/other", "2.0.0")[0] == "written"


@pytest.mark.parametrize(("server", "workers"), [("gunicorn", 1), ("gthread", 1), ("gunicorn", 3)])
def test_what_fires_is_what_the_keys_say(serve, bookings, server, workers):
    """Eight at once, by greenlets, threads or in three processes: exactly the requests fail that the seed has drawn."""
    served = serve(bookings.url("psycopg"), server, workers=workers)
    keys = [f"{n}.1.1" for n in range(48)]
    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip(keys, pool.map(lambda key: served.ask("/bookings", key)[0], keys), strict=True))
    (target,) = {fault["target"] for fault in served.records("fault")}
    drawn = {key for key in keys if draws.rule_hash(3, "half").u(draws.point(3, key, target, 0)) < 0.5}
    assert {key for key, found in answers.items() if found == "DeadlockDetected"} == drawn
    assert {found for key, found in answers.items() if key not in drawn} == {2}
    assert {fault["key"] for fault in served.records("fault")} == drawn


def test_nothing_is_left_after_a_workers_death(serve, bookings):
    """A worker that holds a lock for 60 s is killed: the server gives it back at once."""
    served = serve(bookings.url("psycopg2") + "?options=-c%20lock_timeout%3D200", "gunicorn")
    found, _, pid = served.ask("/held", "1.0.0")
    assert found == "LockNotAvailable"
    held = "SELECT count(*) FROM pg_locks WHERE relation = 'bookings'::regclass"
    assert bookings.ask(held) == [(1,)]
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 2
    while bookings.ask(held) != [(0,)]:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_connections_from_the_import_are_seen(serve, file):
    """Where `serve` loads the app, also bare ones of classes in C, by a name that the app has imported."""
    served = serve(file, "werkzeug", app="bare:app")
    found = {served.ask("/", f"{n}.1.1")[0] for n in range(12)}
    assert found == {2, "database is locked"}
