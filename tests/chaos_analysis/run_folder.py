"""Run folders made up from a known truth: what a planner-like app would leave, in the formats of docs/formats.md.

No server and no clock: requests, faults and latencies follow from the seed. `write_run(folder, World(...))` writes
everything but the analysis' own files and returns the `Truth`. Used by the tests, to look at plots and reports, and
by benchmarks/report_million.py.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from chaos_middleware.draws import point, rule_hash
from tests.chaos_analysis.locust_csv_files import write_locust_csv
from tests.chaos_analysis.surroundings import experiment, write_surroundings
from tests.chaos_analysis.world import APP_DIR, CALLS, JOURNEY, RATE, SOURCES, STARTED, Call, Endpoint, Truth, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS = [
    *("key", "stage", "user", "started", "intended", "response_ms", "method", "name"),
    *("status", "bytes", "error_class", "error", "faults", "path"),
]


def write_run(folder: Path, world: World | None = None) -> Truth:
    """Write the run folder of `world` and return its truth."""
    return _Writer(folder, world or World()).write()


@dataclass
class _Request:
    """A request under way: who it is, what it costs and how it ends."""

    key: str
    stage: str
    endpoint: Endpoint
    app: int
    started: float
    dice: random.Random
    seconds: float
    status: int = 200
    error_class: str | None = None
    error: str | None = None
    left: str | None = None  # an exception that left the app
    frame: dict[str, Any] | None = None
    ids: list[str] = field(default_factory=list)
    lost_header: bool = False

    @property
    def route(self) -> str:
        return f"{self.endpoint.method} {self.endpoint.route}"

    @property
    def sampling(self) -> float:
        return int.from_bytes(blake2b(self.key.encode(), digest_size=4).digest(), "big") / 2**32

    def fail(self, status: int, left: str | None = None, frame: dict[str, Any] | None = None) -> None:
        self.status, self.left, self.frame = status, left, frame
        self.error_class, self.error = "HTTPError", f"{status} for url"


class _Writer:
    """Plays the run request by request; each record goes to its part at once, so that a million rows need no memory."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder, self.world, self.truth = folder, world, Truth()
        self.hashes = {rule["name"]: rule_hash(world.seed, rule["name"]) for rule in world.rules}
        self.plans: dict[Call | None, list[dict[str, Any]]] = {
            None: [rule for rule in world.rules if rule["seam"] == "wsgi"]
        }
        for call in CALLS:
            self.plans[call] = [r for r in world.rules if r["seam"] == "http_client" and _path_matches(r, call)]
        self.numbers = {call: number for number, call in enumerate(self.plans)}
        self.totals: dict[str, list[list[float]]] = {}
        self.errors: Counter[tuple[str, str, str]] = Counter()

    def write(self) -> Truth:
        for name in ("requests", "faults", "sources/planner"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for path, text in SOURCES.items():
            (self.folder / "sources" / path).write_text(text)
        with ExitStack() as files:
            self._open(files)
            for index, stage in enumerate(self._stages()):
                self._play(index, stage)
            for file, rows, totals in zip(self.clients, self.part_rows, self.part_totals, strict=True):
                _line(file, {"closed": self.world.ended, "rows": rows, "totals": totals})
        write_surroundings(self.folder, self.world)
        write_locust_csv(self.folder / "locust", self.totals, self.errors, self.world.users)
        return self.truth

    def _open(self, files: ExitStack) -> None:
        world = self.world

        def create(name: str) -> Any:
            return files.enter_context((self.folder / name).open("w"))

        self.clients = [create(f"requests/{part}.jsonl") for part in range(world.client_parts)]
        self.part_rows = [0] * world.client_parts
        self.part_totals: list[dict[str, list[int]]] = [{} for _ in self.clients]
        self.ledgers = [create(f"faults/{100 + part}-1760000000.jsonl") for part in range(world.app_parts)]
        self.reached = [create(f"faults/{100 + part}-1760000000.reached") for part in range(world.app_parts)]
        for part, file in enumerate(self.clients):
            _line(file, {"version": 1, "columns": COLUMNS, "part": str(part), "pid": 10 + part, "started": STARTED})
        for part, ledger in enumerate(self.ledgers):
            digest = blake2b(json.dumps(experiment(world)).encode(), digest_size=32).hexdigest()
            who = {"pid": 100 + part, "started": STARTED, "server": "gunicorn/gevent", "python": "3.11.7"}
            _line(ledger, {"kind": "open", "version": 1, **who, "seed": world.seed, "experiment": digest})
            for call, rules in self.plans.items():
                seam, example = ("http_client", call.target) if call else ("wsgi", "GET /api/destinations")
                plan = {"kind": "plan", "plan": self.numbers[call], "seam": seam}
                _line(ledger, {**plan, "rules": [r["name"] for r in rules], "example": example})

    def _stages(self) -> Iterator[str]:
        bounds = [round((at - STARTED) * RATE) for at in self.world.bounds]
        for (name, _), (low, high) in zip(self.world.stages, pairwise(bounds), strict=True):
            for _ in range(low, high):
                yield name

    def _play(self, index: int, stage: str) -> None:
        world = self.world
        user, turn = index % world.users, index // world.users
        endpoint = JOURNEY[turn % len(JOURNEY)]
        key = f"{user}.{turn // len(JOURNEY)}.{turn % len(JOURNEY)}"
        dice = random.Random(f"{world.seed}:{key}")
        seconds = endpoint.milliseconds / 1000 * dice.lognormvariate(0.0, 0.3)
        request = _Request(key, stage, endpoint, index % world.app_parts, STARTED + index / RATE, dice, seconds)
        fired = self._point(request, None)
        if endpoint.call and request.status == 200:
            fired += self._point(request, endpoint.call)
        self._own_trouble(request, faulted=bool(fired))
        self._request_record(request)
        self._row(user % world.client_parts, request)
        self.truth.rules[key] = tuple(sorted(fired))

    def _point(self, request: _Request, call: Call | None) -> list[str]:
        """One injection point: the reached line, the draws, the events and what they do to the request."""
        identity = call.target if call else ""
        if not self.world.wrapped:
            return []
        outbound = f"\t{identity}\t0" if call else ""
        line = f"{request.key}\t{request.stage}\t{self.numbers[call]}{outbound}\n"
        self.reached[request.app].write(line)
        x = point(self.world.seed, request.key, identity, 0)
        fired = [r for r in self.plans[call] if self.hashes[r["name"]].u(x) < _rate(r, request.stage)]
        before, met = request.seconds, len(request.ids)
        for rule in fired:
            self._event(request, call, rule)
        if call and (request.ids or request.sampling < self.world.sampled):
            self._call_record(request, call, request.seconds - before + 0.004, request.ids[met:])
        return [rule["name"] for rule in fired]

    def _event(self, request: _Request, call: Call | None, rule: dict[str, Any]) -> None:
        fault = rule["fault"]
        asked = {"type": fault["type"], **({"status": fault["status"]} if "status" in fault else {})}
        if fault["type"] == "latency":
            asked["seconds"] = fault.get("seconds") or request.dice.uniform(fault["low"], fault["high"])
        suffix = f":{blake2b(call.target.encode(), digest_size=4).hexdigest()}.0" if call else ""
        identity = f"{request.key}:{rule['name']}{suffix}"
        left = request.left
        took = _act(asked, call, request, checks_content=self.world.checks_content)
        did = request.left.partition(":")[0] if request.left and request.left != left else "done"
        request.ids.append(identity)
        self.truth.events.add(identity)
        ledger = self.ledgers[request.app]
        event = {"kind": "fault", "id": identity, "key": request.key, "stage": request.stage, "rule": rule["name"]}
        event |= {"fault": fault["type"], "seam": rule["seam"], "phase": "before", "asked": asked}
        event |= {"site": _site(call), "target": call.target if call else None, "occurrence": 0}
        _line(ledger, {**event, "route": request.route, "pid": 100 + request.app, "started": request.started})
        end = {"kind": "end", "id": identity, "started": request.started, "finished": request.started + took}
        _line(ledger, {**end, "measured": {"seconds": took, "did": did}})

    def _call_record(self, request: _Request, call: Call, seconds: float, ids: list[str]) -> None:
        failed = request.left.split(":")[0] if ids and request.left else None
        record = {"kind": "call", "key": request.key, "stage": request.stage, "seam": "http_client"}
        record |= {"target": call.target, "occurrence": 0, "site": _site(call), "route": request.route}
        record |= {"started": request.started, "seconds": seconds, "status": None if failed else 200, "error": failed}
        sampled = request.sampling < self.world.sampled
        _line(self.ledgers[request.app], {**record, "timeout": call.timeout, "faults": ids, "sampled": sampled})

    def _own_trouble(self, request: _Request, *, faulted: bool) -> None:
        world, hit = self.world, request.dice.random()
        bookings = request.endpoint.method == "GET" and request.endpoint.name == "/api/bookings"
        if bookings and hit < world.own_bug:
            request.fail(500, "KeyError: 'seats'")
        elif bookings and not faulted and request.stage == "chaos" and hit < world.collateral:
            request.fail(500, "TimeoutError: QueuePool limit of size 5 overflow 10 reached")
        if request.stage == "recovery" and request.started < world.bounds[-2] + world.slow_recovery:
            request.seconds += 2.0
            if hit < 0.5:
                request.fail(503)

    def _request_record(self, request: _Request) -> None:
        sampled = request.sampling < self.world.sampled
        if self.world.wrapped and (sampled or request.ids):
            record = {"kind": "request", "key": request.key, "stage": request.stage, "route": request.route}
            record |= {"method": request.endpoint.method, "status": request.status or None, "seconds": request.seconds}
            record |= {"faults": request.ids, "error": _error(request.left), "frame": request.frame, "sampled": sampled}
            _line(self.ledgers[request.app], record)

    def _row(self, part: int, request: _Request) -> None:
        endpoint, milliseconds = request.endpoint, request.seconds * 1000 + 1.0
        row = [request.key, request.stage, "Traveller", request.started, request.started, milliseconds]
        row += [endpoint.method, endpoint.name, request.status, 512 if request.status else 0]
        header = "" if request.lost_header else ",".join(request.ids)
        _line(self.clients[part], [*row, request.error_class, request.error, header, endpoint.path])
        name, failed = f"{endpoint.method} {endpoint.name}", request.error_class is not None
        self.part_rows[part] += 1
        total = self.part_totals[part].setdefault(name, [0, 0])
        total[0] += 1
        total[1] += failed
        self.totals.setdefault(name, [[], []])[failed].append(milliseconds)
        self.truth.rows += 1
        self.truth.failures[name] += failed
        if failed:
            self.errors[endpoint.method, endpoint.name, request.error or ""] += 1


def _act(asked: dict[str, Any], call: Call | None, request: _Request, *, checks_content: bool) -> float:
    """What the fault does to the request; returns the seconds it took."""
    kind, took = asked["type"], 0.0
    if kind == "latency":
        took = min(asked["seconds"], call.timeout[1] if call and call.timeout else asked["seconds"])
        request.seconds += took
        if took < asked["seconds"]:
            request.fail(500, "ReadTimeout: read timed out", _site(call))
    elif kind == "noop":
        pass
    elif call and call.swallows:
        if checks_content:
            request.error_class, request.error = "CatchResponseError", "no fare in the answer"
    elif call:
        classes = {"connection_reset": "ConnectionError: reset by peer", "http_error": "HTTPError: 503 Server Error"}
        request.fail(500, classes.get(kind, "ConnectTimeout: timed out"), _site(call))
    elif kind == "exception":
        request.fail(500, "RuntimeError: injected by chaos-test")
    elif kind == "http_error":
        request.fail(asked["status"])
    elif kind == "connection_reset":
        request.status, request.lost_header = 0, True
        request.error_class, request.error = "HTTPConnectionClosed", "connection closed"
    return float(took)


def _site(call: Call | None) -> dict[str, Any] | None:
    if call is None:
        return None
    file, line, function = call.site
    return {"file": f"{APP_DIR}/{file}", "line": line, "function": function}


def _path_matches(rule: dict[str, Any], call: Call) -> bool:
    path = "/" + call.target.split("/", 1)[1]
    return any(fnmatchcase(path, pattern) for pattern in rule["match"].get("path", ["*"]))


def _rate(rule: dict[str, Any], stage: str) -> float:
    rate = rule["rate"]
    if isinstance(rate, dict):
        return float(rate.get(stage, 0.0))
    return 0.0 if stage in ("baseline", "recovery") else float(rate)


_encode = json.JSONEncoder(separators=(",", ":")).encode  # as the recorder and the ledger write


def _line(file: Any, value: Any) -> None:
    file.write(_encode(value) + "\n")


def _error(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    name, _, rest = text.partition(": ")
    return {"class": name, "text": rest}
