"""What an app held before the faults it holds after them, and no more; also where the command was killed in mid-run."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import psutil
import pytest
import valkey

from tests.postgres_server import Postgres, postgresql
from tests.valkey_server import running_valkey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Command

    Wait = Callable[[Callable[[], object]], None]

LEAVING = Path(__file__).parent / "leaving"
TOLERANCE = 30 << 20  # of memory: what 64 threads' allocators keep of what they freed; the fault takes 200 MiB
CLIENTS = 8
FILLS = 10  # tries; on a busy machine the first requests of 64 may be over before the last begin
VIEWS = ("/bookings", "/stock", "/cached", "/fares")


class Held(NamedTuple):
    """What the service's processes hold, and what the databases hold for them."""

    descriptors: int
    threads: int
    calls: dict[str, int]  # open connections by the other end's name
    backends: int
    clients: int
    rss: int

    def within(self, other: Held) -> bool:
        """Whether it is no more than another time, of nothing."""
        counts = zip(self[:2] + self[3:5], other[:2] + other[3:5], strict=True)
        calls = all(number <= other.calls.get(name, 0) for name, number in self.calls.items())
        return calls and all(now <= then for now, then in counts) and self.rss <= other.rss + TOLERANCE


@dataclass
class World:
    """What the service depends on."""

    postgres: Postgres
    cache: Any  # a client of it
    env: dict[str, str]

    def clients(self) -> int:
        """How many others are connected to the cache."""
        return len(self.cache.client_list()) - 1

    def locked(self) -> set[str]:
        """In which databases somebody holds a lock that keeps all others from writing."""
        strong = "SELECT count(*) FROM pg_locks WHERE relation = 'bookings'::regclass AND mode ~ '^(Access)?Exclusive'"
        found = {"postgresql"} if self.postgres.ask(strong) != [(0,)] else set()
        with closing(sqlite3.connect(self.env["STOCK_FILE"], timeout=0.05)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                found.add("sqlite")
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """PostgreSQL, Valkey and a folder for SQLite."""
    with postgresql() as postgres, running_valkey() as server:
        url = f"valkey://127.0.0.1:{server.port}/0"
        env = {
            "DATABASE_URL": postgres.url(),
            "CACHE_URL": url,
            "STOCK_FILE": str(tmp_path_factory.mktemp("sqlite") / "stock.db"),
        }
        yield World(postgres, valkey.Valkey.from_url(url), env)


class Served:
    """The service, served by hand."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self._processes: list[subprocess.Popen[str]] = []

    def start(self, server: str, config: Path) -> None:
        """Start it, and what it asks."""
        fares = self._start("fares:app", {}, "--plain")
        words = ("--server", server, "--config", str(config), "--run-dir", str(self.folder))
        self.url = self._start("leaving:create_app()", {**self.world.env, "FARES_URL": fares}, *words)
        self.process = psutil.Process(self._processes[-1].pid)
        urls = {"fares": fares, "database": self.world.env["DATABASE_URL"], "cache": self.world.env["CACHE_URL"]}
        self._names = {urlsplit(url).port: name for name, url in urls.items()}

    def _start(self, app: str, env: dict[str, str], *words: str) -> str:
        command = [sys.executable, "-m", "chaos_middleware.serve", app, "--bind", "127.0.0.1:0", *words]
        with (self.folder / "log").open("a") as log:
            process = subprocess.Popen(
                [*command, "--app-dir", str(LEAVING)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | env,
            )
        self._processes.append(process)
        assert process.stdout is not None
        found = re.search(r"http://[\d.:]+", process.stdout.readline())
        assert found, (self.folder / "log").read_text()
        return found[0]

    def ask(self, key: str, stage: str, path: str) -> int | None:
        """The status, or None where there was no answer."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=5)
        headers = {"X-Chaos-Key": key, "X-Chaos-Stage": stage, "Connection": "close"}
        with closing(connection), suppress(OSError, http.client.HTTPException):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        return None

    def fill(self) -> None:
        """Have pools and threads grow to what they are allowed: by 64 requests at once, all answered."""
        full = {"fares": 10, "database": 4 + 3, "cache": 8}
        for _ in range(FILLS):
            with ThreadPoolExecutor(64) as pool:
                answers = list(pool.map(lambda n: self.ask(f"fill.{n}.1", "baseline", "/fill"), range(64)))
            assert set(answers) == {200}, (self.folder / "log").read_text()
            if self.held().calls == full:
                return
        raise AssertionError(f"the pools do not fill: {self.held()}")

    def load(self, stage: str, count: int) -> Counter[int | None]:
        """So many requests to each view, by eight clients; how often which status came."""
        asked = [(f"{n}.{view[1:]}.1", stage, view) for n in range(count) for view in VIEWS]
        with ThreadPoolExecutor(CLIENTS) as pool:
            return Counter(pool.map(lambda words: self.ask(*words), asked))

    def held(self) -> Held:
        """Counted from outside."""
        descriptors = threads = rss = 0
        calls: Counter[str] = Counter()
        for process in (self.process, *self.process.children(recursive=True)):
            descriptors += process.num_fds()
            threads += process.num_threads()
            rss += process.memory_info().rss
            ports = [end.raddr.port for end in process.net_connections("inet") if end.raddr]
            calls.update(self._names[port] for port in ports if port in self._names)
        return Held(descriptors, threads, dict(calls), self.world.postgres.connections(), self.world.clients(), rss)

    def lets_go(self, before: Held) -> None:
        """Wait until it holds no more than before."""
        until = time.monotonic() + 20
        while not (now := self.held()).within(before):
            assert time.monotonic() < until, f"before: {before}\nnow: {now}"
            time.sleep(0.1)

    def pids(self) -> set[int]:
        """Its processes."""
        return {process.pid for process in self.process.children(recursive=True)}

    def records(self, kind: str) -> list[dict[str, Any]]:
        """What the ledger has of this kind."""
        lines = [line for part in self.folder.glob("faults/*.jsonl") for line in part.read_text().splitlines()]
        return [record for record in map(json.loads, lines) if record["kind"] == kind]

    def did(self) -> dict[str, set[str]]:
        """For each rule what its faults did."""
        ends = {(end["id"], end["started"]): end["measured"]["did"] for end in self.records("end")}
        found: dict[str, set[str]] = {}
        for fault in self.records("fault"):
            found.setdefault(fault["rule"], set()).add(ends.get((fault["id"], fault["started"]), "has not ended"))
        return found

    def stop(self) -> None:
        """End it."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(timeout=10)
            finally:
                process.kill()
                assert process.stdout is not None
                process.stdout.close()


@pytest.fixture
def served(world: World, tmp_path: Path) -> Iterator[Served]:
    """To be started; stopped at the end."""
    one = Served(world, tmp_path)
    yield one
    one.stop()


def written(file: Path, *rules: dict[str, Any], **more: Any) -> Path:
    """An experiment of one stage, with these rules, all of the rate 1."""
    named = [{"name": f"r{n}", "rate": {"chaos": 1}, **rule} for n, rule in enumerate(rules)]
    stages = [{"name": "chaos", "share": 1}]
    experiment = {"version": 1, "seed": 1, "stages": stages, "safety": {"lease_seconds": 2}, "rules": named, **more}
    file.write_text(json.dumps(experiment))
    return file


@pytest.mark.parametrize("server", ["gunicorn", "gthread"])
def test_an_app_holds_what_it_held(served: Served, server: str, wait: Wait) -> None:
    """Every fault of every seam has acted, and when their time is over nothing is held that was not held before.

    It is the same worker: a few descriptors were left to it, for one of gthread ends when it cannot accept.
    """
    config = LEAVING / "chaos-config.json"
    served.start(server, config)
    served.fill()
    before, workers = served.held(), served.pids()
    served.load("chaos", 24)
    served.load("starved", 5)
    did = served.did()
    assert did.keys() == {rule["name"] for rule in json.loads(config.read_bytes())["rules"]}
    assert not [name for name, found in did.items() if found <= {"unsupported"}]
    served.lets_go(before)
    served.fill()
    served.lets_go(before)
    assert served.pids() == workers


HELD = [
    {"seam": "database", "match": {"verb": ["UPDATE"]}, "fault": {"type": "lock_contention", "seconds": 300}},
    {"seam": "database", "match": {"route": ["/spare"]}, "fault": {"type": "pool_exhaustion", "seconds": 300}},
    {"seam": "process", "fault": {"type": "memory_pressure", "megabytes": 200, "seconds": 300}},
    {"seam": "process", "fault": {"type": "cpu_pressure", "seconds": 300}},
]  # for so long that only somebody's stopping them explains their end
STARVED = {"seam": "process", "fault": {"type": "descriptors_exhausted", "leave": 60, "seconds": 300}}
ASLEEP = {
    "seam": "wsgi", "rate": {"chaos": 0.02}, "match": {"route": ["/fares"]},
    "fault": {"type": "latency", "seconds": 300},
}  # fmt: skip
LOAD = (
    "--requests",
    "100000",
    "--users",
    "10",
    *(word for view in (*VIEWS, "/spare") for word in ("--endpoint", f"GET {view}")),
)


def test_kill_9_of_the_command_gives_back_what_a_service_of_the_users_holds(
    command: Command, served: Served, wait: Wait
) -> None:
    """The lease in the service's own folder runs out: locks, connections, memory and descriptors are free again."""
    config = written(served.folder / "held.json", *HELD, STARVED, ASLEEP)
    served.start("gthread", config)
    served.fill()
    before = served.held()
    words = ("--url", served.url, "--ledger", str(served.folder), "--config", str(config))
    process = command.start("run", *words, *LOAD)
    wait(lambda: len(served.did()) == len(HELD) + 2 or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    wait(lambda: served.world.locked() == {"postgresql", "sqlite"})
    assert served.held().rss > before.rss + (150 << 20)
    process.kill()
    process.wait()
    wait(lambda: command.left() == [])
    served.lets_go(before)
    assert served.world.locked() == set()
    served.fill()


def test_kill_9_of_the_command_leaves_nothing_of_a_run_with_links(
    command: Command, world: World, wait: Wait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """App, service, proxy, Locust and scratch files are gone, and with them all locks and connections."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for name, value in {**world.env, "TMPDIR": str(scratch)}.items():
        monkeypatch.setenv(name, value)
    links = [{"name": name.lower(), "env": name} for name in ("DATABASE_URL", "CACHE_URL", "FARES_URL")]
    late = {"seam": "network", "fault": {"type": "latency", "seconds": 0.01}}
    config = written(tmp_path / "held.json", *HELD, late, network={"links": [*links, {"name": "client"}]})
    process = command.start("run", "--app-dir", str(LEAVING), "--config", str(config), "--workers", "2", *LOAD)
    wait(lambda: len(command.rows()) > 50 or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    wait(lambda: world.locked() == {"postgresql", "sqlite"})
    for word in ("leaving:create_app", "fares:app", "chaos_test.network", "locust"):
        assert command.find(word), word
    process.kill()
    process.wait()
    wait(lambda: command.left() == [])
    wait(lambda: (world.locked(), world.postgres.connections(), world.clients()) == (set(), 0, 0))
    wait(lambda: list(scratch.iterdir()) == [])
