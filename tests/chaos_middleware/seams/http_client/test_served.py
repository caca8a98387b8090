"""Outbound faults in an app that a real server serves: gevent with three workers, and threads."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chaos_middleware import draws

RULES = [
    {"name": "slow", "match": {"path": ["/asleep"]}, "fault": {"type": "latency", "seconds": 30}},
    {"name": "late", "match": {"path": ["/late"]}, "fault": {"type": "latency", "seconds": 0.3}},
    {"name": "down", "match": {"route": ["/fan-out"]}, "fault": {"type": "http_error"}},
    {"name": "half", "match": {"path": ["/half"]}, "fault": {"type": "http_error"}, "rate": 0.5},
]
EXPERIMENT = {"version": 1, "seed": 3, "rules": [{"seam": "http_client", "rate": 1, **rule} for rule in RULES]}
PLACES = {"gunicorn": ["greenlet", "pool", "thread"], "gthread": ["pool", "thread"]}
WORKERS = {"gunicorn": 3, "gthread": 1}


@pytest.fixture(params=PLACES)
def ask(request, tmp_path, upstream):
    """Asks the served app for a path with a key; `ask.records(kind)` reads its ledger."""
    server = request.param
    config = tmp_path / "chaos-config.json"
    config.write_text(json.dumps(EXPERIMENT))
    command = [sys.executable, "-m", "chaos_middleware.serve", "outbound:app", "--server", server]
    command += ["--workers", str(WORKERS[server])]
    command += ["--bind", "127.0.0.1:0", "--config", str(config), "--run-dir", str(tmp_path)]
    environment = {**os.environ, "UPSTREAM": upstream.url, "FAN_OUT": "gevent" if server == "gunicorn" else ""}
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
    ask.server = server
    yield ask
    process.terminate()
    try:
        process.wait(timeout=10)
    finally:
        process.kill()
        process.stdout.close()


def test_the_callers_timeout_ends_a_delay(ask):
    """A delay of 30 s on a call with a timeout of 0.4 s is a ReadTimeout at 0.4 s, at the app's own line."""
    sites = []
    for library, function in (("requests", "ask"), ("httpx", "ask_by_httpx"), ("async", "ask_in_a_loop")):
        what, seconds, _ = ask(f"/{library}/asleep", f"{library}.0.0")
        assert what == "ReadTimeout"
        assert 0.4 <= seconds < 2
        sites.append(function)
    found = [fault["site"] for fault in sorted(ask.records("fault"), key=lambda fault: fault["started"])]
    assert {Path(site["file"]).name for site in found} == {"outbound.py"}
    assert [site["function"].partition(".")[0] for site in found] == sites


def test_delays_hold_up_only_their_own_request(ask):
    """Of eight delays of 0.3 s that are asked for at once, several go on at the same time, by each library.

    Not by loops in greenlets: asyncio runs one loop at a time in a thread.
    """
    for library in ("requests", "httpx", "async")[: 2 if ask.server == "gunicorn" else 3]:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n, by=library: ask(f"/{by}/late", f"{by}.{n}.0"), range(8)))
        assert [what for what, *_ in answers] == [200] * 8
        assert min(seconds for _, seconds, _ in answers) >= 0.3
        delays = [(end["started"], end["finished"]) for end in ask.records("end") if end["id"].startswith(library)]
        assert max(sum(begin <= at < end for begin, end in delays) for at, _ in delays) > 2


def test_which_calls_fail_depends_on_the_key_alone(ask):
    """Eight at a time, in whichever worker, just those calls fail whose draw is below the rate, by each library."""
    rule = draws.rule_hash(3, "half")
    for library in ("requests", "httpx"):
        keys = [f"{library}.{n}.0" for n in range(24)]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda key, by=library: ask(f"/{by}/half", key), keys))
        expected = [rule.u(draws.point(3, key, "GET 127.0.0.1/half", 0)) < 0.5 for key in keys]
        assert [what == 503 for what, *_ in answers] == expected
        faulted = {fault["key"] for fault in ask.records("fault")}
        assert [key in faulted for key in keys] == expected
        assert len({process for *_, process in answers}) <= WORKERS[ask.server]


def test_faults_follow_where_the_app_fans_out(ask):
    """Calls from threads, pools and greenlets of a request meet its faults; of one without a key they meet none."""
    places = PLACES[ask.server]
    found, *_ = ask("/fan-out", "1.0.0")
    assert found == dict.fromkeys(places, 503)
    assert sorted(call["target"].rpartition("/")[2] for call in ask.records("call")) == places
    found, *_ = ask("/fan-out", "no key")
    assert found == dict.fromkeys(places, 200)
