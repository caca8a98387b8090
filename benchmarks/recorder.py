"""What identity and recorder cost Locust: `python benchmarks/recorder.py`.

One headless run of Locust against a trivial server in a process of its own. Every 0.15 s it changes between Locust as
it is and Locust with `import chaos_locust`, by putting methods back and in place again, so that both meet the same
machine: separate runs differ by more than what is to be measured. Counted is the CPU of Locust's process a request.

The import also spares Locust its cookie jar where that is empty, which pays for most of the rest; a third arm has
that alone, so that both figures can be told. The target is that the import costs at most 5 % of Locust's own CPU,
as the upper end of a 95 % interval over the pairs. An iteration has three requests; with one, it costs 2 µs more.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PAIRS = 60
REQUESTS = 3  # in an iteration, as the planner's travellers send on average
TARGET_SHARE = 0.05
T_95 = 2.0  # for 59 degrees of freedom

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

USERS = """
import json, random, time
from http.cookiejar import CookieJar
import gevent
from geventhttpclient.client import HTTPClient
from locust import FastHttpUser, events, task
from locust.contrib import fasthttp
from locust.user.task import TaskSet
import chaos_locust
from chaos_locust.clients import LazyJar

ARMS, SLOT, users = ("without", "jar", "with"), 0.15, []

class Caller(FastHttpUser):
    def on_start(self):
        users.append(self)

    @task
    def call(self):
        for _ in range(REQUESTS):
            self.client.get("/things/7", name="/things/[id]")

owners = [(fasthttp.FastHttpSession, "request"), (HTTPClient, "_build_request"), (TaskSet, "execute_next_task")]
places = [(owner, name, getattr(owner, name)) for owner, name in [*owners, (random, "choice")]]

def change(arm, listener, request):
    for owner, name, ours in places:
        setattr(owner, name, ours if arm == "with" else ours.__wrapped__)
    if (listener in request._handlers) != (arm == "with"):
        (request.add_listener if arm == "with" else request.remove_listener)(listener)
    for user in users:
        user.client.client.cookiejar = (CookieJar if arm == "without" else LazyJar)()

def measure(environment):
    listener = environment._chaos_session.part.recorder.on_request
    gevent.sleep(0.5)
    results = []
    for pair in range(PAIRS):
        spent = {}
        for arm in ARMS[pair % 3:] + ARMS[:pair % 3]:
            change(arm, listener, environment.events.request)
            gevent.sleep(0.01)
            cpu, count = time.process_time(), environment.stats.total.num_requests
            gevent.sleep(SLOT)
            spent[arm] = (time.process_time() - cpu) / (environment.stats.total.num_requests - count) * 1e6
        results.append(spent)
    change("with", listener, environment.events.request)
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
        pairs = _measure(f"http://127.0.0.1:{server.stdout.readline().strip()}")
    finally:
        server.kill()
        server.communicate()
    own = statistics.fmean(pair["without"] for pair in pairs)
    return [
        {"name": "Locust's own"} | _interval("microseconds", [pair["without"] for pair in pairs]),
        {"name": "chaos_locust"} | _interval("microseconds", [pair["with"] - pair["without"] for pair in pairs]),
        {"name": "chaos_locust, share", "target": TARGET_SHARE}
        | _interval("ratio", [(pair["with"] - pair["without"]) / own for pair in pairs]),
        {"name": "the same without the spared cookie jar"}
        | _interval("microseconds", [pair["with"] - pair["jar"] for pair in pairs]),
    ]


def _measure(url: str) -> list[dict[str, float]]:
    """Microseconds of CPU a request in each arm of each pair."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "users.py")
        file.write_text(USERS.replace("PAIRS", str(PAIRS)).replace("REQUESTS", str(REQUESTS)), encoding="utf-8")
        options = ["--headless", "--only-summary", "-u", "5", "-r", "100", "--host", url]
        command = [sys.executable, "-m", "locust", "-f", str(file), *options, "--chaos-run-dir", f"{scratch}/run"]
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
