"""What identity and recorder cost Locust: `python benchmarks/recorder.py`.

A headless run of Locust against a trivial server in a process of its own. Every tenth of a second it changes between
Locust as it is and Locust with `import chaos_locust`, by putting methods back and in place again, so that both meet
the same machine: separate runs differ by more than what is to be measured. Counted is the CPU of Locust's process a
request. The target is that the import costs at most 5 % of Locust's own, as the upper end of a 95 % interval over the
pairs.

Two kinds of users, as part of the cost comes once an iteration (its number, its stage, its seed, the draws that choose
its task and its wait) and part once a request:

- `1 request`: those of `chaos_locust/endpoint_user.py`, which is what `--endpoint` starts. No users cost more.
- `3 requests`: as many in an iteration as the planner's travellers send on average.

Both choose among two tasks, draw their wait (of which none passes, or there would be little to measure) and have a
quota of requests, for the same of which `chaos-test run` asks.

The import also spares Locust its cookie jar where that is empty, which pays for most of the rest; a third arm has
that alone, so that the figure without it can be told.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PAIRS = 120
TARGET_SHARE = 0.05
T_95 = 1.98  # for 119 degrees of freedom

SERVER = """
from gevent.server import StreamServer

ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: 2\\r\\n\\r\\n{}"

def handle(connection, _):
    while connection.recv(65536):
        connection.sendall(ANSWER)

server = StreamServer(("127.0.0.1", 0), handle)
server.start()
print(server.server_port, flush=True)
server.serve_forever()
"""

KINDS = {
    "1 request": """
from locust import between
from chaos_locust.endpoint_user import EndpointUser

EndpointUser.wait_time = between(0, 0)
""",
    "3 requests": """
from locust import FastHttpUser, between, task
from chaos_locust import steps

class Caller(FastHttpUser):
    wait_time = between(0, 0)

    @task
    @steps(3)
    def look(self):
        for _ in range(3):
            self.client.request("GET", "/things/7", name="/things/[id]")

    @task
    @steps(3)
    def list(self):
        for _ in range(3):
            self.client.request("GET", "/things", name="/things")
""",
}

MEASURE = """
import json, random, time
from http.cookiejar import CookieJar
import gevent
from geventhttpclient.client import HTTPClient
from locust import events
from locust.contrib import fasthttp
from locust.user.task import TaskSet
from chaos_locust.clients import LazyJar

ARMS, SLOT = ("without", "jar", "with"), 0.1

owners = [(fasthttp.FastHttpSession, "request"), (HTTPClient, "_build_request"), (TaskSet, "execute_next_task")]
drawn = [(random, "choice"), (random, "random")]
places = [(owner, name, getattr(owner, name)) for owner, name in owners + drawn]

def change(arm, environment, users):
    for owner, name, ours in places:
        setattr(owner, name, ours if arm == "with" else ours.__wrapped__)
    listener, request = environment._chaos_session.part.recorder.on_request, environment.events.request
    if (listener in request._handlers) != (arm == "with"):
        (request.add_listener if arm == "with" else request.remove_listener)(listener)
    for user in users:
        user.client.client.cookiejar = (CookieJar if arm == "without" else LazyJar)()

def measure(environment):
    gevent.sleep(0.5)
    users = [greenlet.args[0] for greenlet in environment.runner.user_greenlets]
    results = []
    for pair in range(PAIRS):
        spent = {}
        for arm in ARMS[pair % 3:] + ARMS[:pair % 3]:
            change(arm, environment, users)
            gevent.sleep(0.01)
            cpu, count = time.process_time(), environment.stats.total.num_requests
            gevent.sleep(SLOT)
            spent[arm] = (time.process_time() - cpu) / (environment.stats.total.num_requests - count) * 1e6
        results.append(spent)
    change("with", environment, users)
    print("RESULT", json.dumps(results), flush=True)
    environment.runner.quit()

@events.test_start.add_listener
def start(environment, **_):
    gevent.spawn(measure, environment)
"""


def run() -> list[dict[str, Any]]:
    """Rows of `name`, `microseconds` a request (or `ratio`), and its 95 % interval over the pairs: `low`, `high`."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        return [row for kind in KINDS for row in _rows(kind, _measure(url, kind))]
    finally:
        server.kill()
        server.communicate()


def _rows(kind: str, pairs: list[dict[str, float]]) -> list[dict[str, Any]]:
    own = statistics.fmean(pair["without"] for pair in pairs)
    return [
        {"name": f"{kind}: Locust's own"} | _interval("microseconds", [pair["without"] for pair in pairs]),
        {"name": f"{kind}: chaos_locust"}
        | _interval("microseconds", [pair["with"] - pair["without"] for pair in pairs]),
        {"name": f"{kind}: chaos_locust, share", "target": TARGET_SHARE}
        | _interval("ratio", [(pair["with"] - pair["without"]) / own for pair in pairs]),
        {"name": f"{kind}: without the spared cookie jar"}
        | _interval("microseconds", [pair["with"] - pair["jar"] for pair in pairs]),
    ]


def _measure(url: str, kind: str) -> list[dict[str, float]]:
    """Microseconds of CPU a request in each arm of each pair."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "users.py")
        file.write_text(KINDS[kind] + MEASURE.replace("PAIRS", str(PAIRS)), encoding="utf-8")
        options = ["--headless", "--only-summary", "-u", "5", "-r", "100", "--host", url]
        options += ["--chaos-run-dir", f"{scratch}/run", "--chaos-requests", "1000000000"]
        if "endpoint_user" in KINDS[kind]:
            options += ["--chaos-endpoint", "GET /things/7", "--chaos-endpoint", "GET /things"]
        command = [sys.executable, "-m", "locust", "-f", str(file), *options]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False, timeout=120)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    if line is None:
        raise RuntimeError(f"Locust did not run: {done.stdout}{done.stderr}")
    pairs: list[dict[str, float]] = json.loads(line.removeprefix("RESULT"))
    return pairs


def _interval(name: str, values: list[float]) -> dict[str, Any]:
    mean = statistics.fmean(values)
    half = T_95 * statistics.stdev(values) / len(values) ** 0.5
    return {name: mean, "low": mean - half, "high": mean + half}


if __name__ == "__main__":
    for row in run():
        figure = next(f"{row[unit]:.3f} {unit}" for unit in ("microseconds", "ratio") if unit in row)
        print(f"{row['name']}: {figure} ({row['low']:.3f} to {row['high']:.3f})")
