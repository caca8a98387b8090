"""Outbound faults in an app that a real server serves, with gevent and with threads."""

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

RULES = [
    {"name": "slow", "match": {"path": ["/asleep"]}, "fault": {"type": "latency", "seconds": 30}},
    {"name": "late", "match": {"path": ["/late"]}, "fault": {"type": "latency", "seconds": 0.3}},
    {"name": "down", "match": {"route": ["/fan-out"]}, "fault": {"type": "http_error"}},
]
EXPERIMENT = {"version": 1, "seed": 3, "rules": [{"seam": "http_client", "rate": 1, **rule} for rule in RULES]}
PLACES = {"gunicorn": ["greenlet", "pool", "thread"], "gthread": ["pool", "thread"]}


@pytest.fixture(params=PLACES)
def ask(request, tmp_path, upstream):
    """Asks the served app for a path with a key; `ask.records(kind)` reads its ledger."""
    config = tmp_path / "chaos-config.json"
    config.write_text(json.dumps(EXPERIMENT))
    command = [sys.executable, "-m", "chaos_middleware.serve", "outbound:app", "--server", request.param]
    command += ["--bind", "127.0.0.1:0", "--config", str(config), "--run-dir", str(tmp_path)]
    environment = {**os.environ, "UPSTREAM": upstream.url, "FAN_OUT": "gevent" if request.param == "gunicorn" else ""}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--app-dir", str(Path(__file__).parent)],
            stdout=subprocess.PIPE, stderr=log, text=True, env=environment,
        )  # fmt: skip
    found = re.search(r"http://[\d.:]+", process.stdout.readline())
    assert found, (tmp_path / "log").read_text()

    def ask(path, key):
        asked = urllib.request.Request(found[0] + path, headers={"X-Chaos-Key": key})
        with urllib.request.urlopen(asked, timeout=20) as response:
            return json.loads(response.read())

    def records(kind):
        lines = [line for part in tmp_path.glob("faults/*.jsonl") for line in part.read_text().splitlines()]
        return [record for record in map(json.loads, lines) if record["kind"] == kind]

    ask.records = records
    ask.places = PLACES[request.param]
    yield ask
    process.terminate()
    try:
        process.wait(timeout=10)
    finally:
        process.kill()
        process.stdout.close()


def test_the_callers_timeout_ends_a_delay(ask):
    """A delay of 30 s on a call with a timeout of 0.4 s is a ReadTimeout at 0.4 s, at the app's own line."""
    what, seconds = ask("/asleep", "1.0.0")
    assert what == "ReadTimeout"
    assert 0.4 <= seconds < 2
    (fault,) = ask.records("fault")
    assert Path(fault["site"]["file"]).name == "outbound.py"
    assert fault["site"]["function"] == "ask"


def test_delays_hold_up_only_their_own_request(ask):
    """Six delays of 0.3 s at once take far less than 1.8 s."""
    started = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: ask("/late", f"{n}.0.0"), range(6)))
    assert [what for what, _ in answers] == [200] * 6
    assert min(seconds for _, seconds in answers) >= 0.3
    assert time.monotonic() - started < 1.5


def test_faults_follow_where_the_app_fans_out(ask):
    """Calls from threads, pools and greenlets of a request meet its faults; of one without a key they meet none."""
    found, _ = ask("/fan-out", "1.0.0")
    assert found == dict.fromkeys(ask.places, 503)
    assert sorted(call["target"].rpartition("/")[2] for call in ask.records("call")) == ask.places
    found, _ = ask("/fan-out", "no key")
    assert found == dict.fromkeys(ask.places, 200)
