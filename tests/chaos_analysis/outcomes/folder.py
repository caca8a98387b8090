"""Run folders written request by request, for tests in which each request's story matters."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.chaos_analysis.conftest import read_evidence

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_analysis.evidence import Evidence

APP = "/srv/app"
FARES = ("fares.py", 10, "quote")
COLUMNS = (
    *("key", "stage", "user", "started", "intended", "response_ms", "method", "name"),
    *("status", "bytes", "error_class", "error", "faults", "path", "content"),
)


@dataclass
class Story:
    """One request while it is told: `call` and `fault` add what happened in it, `end` what came out."""

    folder: Folder
    key: str
    stage: str
    endpoint: str
    at: float
    ids: list[str] = field(default_factory=list)
    clock: float = 0.0

    def fault(
        self, rule: str, fault: str = "connection_reset", *, site: Any = FARES, target: str = "GET api/fares?to=moon",
        did: str = "done", seconds: float = 0.0, seam: str = "http_client", ended: bool = True, occurrence: int = 0,
    ) -> str:  # fmt: skip
        """A fault event; at the edge with `seam="wsgi"`. Returns its id."""
        edge = seam == "wsgi"
        name = f"{self.key}:{rule}" if edge else f"{self.key}:{rule}:{abs(hash(target)) % 16**8:08x}.{occurrence}"
        event = {"kind": "fault", "id": name, "key": self.key, "stage": self.stage, "rule": rule, "fault": fault}
        event |= {"seam": seam, "phase": "before", "asked": {"type": fault, "seconds": seconds}, "pid": 1}
        event |= {"site": None if edge else _site(site), "target": None if edge else target, "occurrence": occurrence}
        self.folder.ledger.append({**event, "route": self.endpoint, "started": self.at + self.clock})
        if ended:
            end = {"kind": "end", "id": name, "started": self.at + self.clock, "finished": self.at + seconds}
            self.folder.ledger.append({**end, "measured": {"seconds": seconds, "did": did}})
        self.ids.append(name)
        return name

    def call(
        self, *faults: str, site: Any = FARES, target: str = "GET api/fares?to=moon", error: str | None = None,
        status: int | None = 200, seconds: float = 0.01, wait: float = 0.0, seam: str = "http_client",
    ) -> Story:  # fmt: skip
        """An outbound call, `wait` seconds after the one before, which met these faults."""
        self.clock += wait
        record = {"kind": "call", "key": self.key, "stage": self.stage, "seam": seam, "target": target}
        record |= {"occurrence": 0, "site": _site(site), "route": self.endpoint, "started": self.at + self.clock}
        record |= {"seconds": seconds, "status": None if error else status, "error": error, "timeout": None}
        self.folder.ledger.append({**record, "faults": list(faults), "sampled": not self.ids})
        self.clock += seconds
        return self

    def met(
        self, rule: str, fault: str = "connection_reset", error: str | None = "ConnectionError", **more: Any
    ) -> Story:
        """A fault at a call, which fails with `error` (None: it goes through)."""
        where = {name: more[name] for name in ("site", "target", "seam", "wait") if name in more}
        event = {name: more[name] for name in more if name != "wait"}
        name = self.fault(rule, fault, did=error or "done", **event)
        return self.call(name, error=error, seconds=0.01 + more.get("seconds", 0.0), **where)

    def end(
        self, status: int = 200, *, error_class: str | None = None, left: str | None = None, frame: Any = None,
        row: bool = True, noted: bool = True, content: str | None = None, path: str | None = None, ms: float = 20.0,
    ) -> None:  # fmt: skip
        """The answer: `left` is an exception that left the app at `frame`; no `row` at the client, not `noted` by the
        app.
        """
        method, name = self.endpoint.split(" ", 1)
        if status >= 400 and error_class is None:
            error_class = "HTTPError"
        if row:
            cells = [self.key, self.stage, "User", self.at, self.at, ms, method, name, status, 10, error_class]
            text = error_class and "an error"
            self.folder.rows.append([*cells, text, ",".join(self.ids), path or name, content])
        if noted:
            record = {"kind": "request", "key": self.key, "stage": self.stage, "route": self.endpoint}
            record |= {"method": method, "status": status or None, "seconds": ms / 1000, "faults": self.ids}
            error = left and {"class": left, "text": "text"}
            self.folder.ledger.append({**record, "error": error, "frame": frame and _site(frame), "sampled": True})


@dataclass
class Folder:
    """A run folder in the making."""

    path: Path
    rows: list[Any] = field(default_factory=list)
    ledger: list[Any] = field(default_factory=list)
    shapes: list[Any] = field(default_factory=list)
    count: int = 0

    def shape(self, name: str, *paths: str) -> None:
        """What a shape is made of; contents are then `name.digest`."""
        self.shapes.append({"shape": name, "method": "GET", "name": "/trip", "status": 200, "paths": list(paths)})

    def request(self, stage: str = "chaos", endpoint: str = "GET /trip") -> Story:
        """The next request, a tenth of a second after the one before."""
        self.count += 1
        return Story(self, f"0.{self.count}.1", stage, endpoint, 1.7e9 + self.count / 10)

    def quiet(self, count: int = 20, *, stage: str = "baseline", endpoint: str = "GET /trip", **ending: Any) -> None:
        """Fault-free requests, each with one call."""
        for _ in range(count):
            self.request(stage, endpoint).call().end(**ending)

    def evidence(self) -> Evidence:
        """Write it all and read it back."""
        for name in ("requests", "faults"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        head = {"version": 1, "columns": COLUMNS, "part": "local", "pid": 1, "started": 1.7e9}
        _write(self.path / "requests/local.jsonl", [head, *self.rows, {"closed": 1.8e9, "rows": len(self.rows)}])
        _write(self.path / "faults/1-1.jsonl", self.ledger)
        if self.shapes:
            _write(self.path / "requests/shapes-local.jsonl", self.shapes)
        (self.path / "run.json").write_text(json.dumps({"app": {"dir": APP}}))
        return read_evidence(self.path)

    def outcomes(self) -> list[str]:
        """The outcomes of all events, in order."""
        return self.evidence().outcomes["outcome"].tolist()


def _site(site: Any) -> dict[str, Any]:
    return {"file": f"{APP}/{site[0]}", "line": site[1], "function": site[2]}


def _write(path: Path, lines: list[Any]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
