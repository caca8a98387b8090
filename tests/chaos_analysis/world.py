"""A made-up planner under made-up chaos: its journey, its sources, the rules, and the truths that finders must find."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

STARTED = 1_760_000_000.0
APP_DIR = "/srv/planner"
RATE = 50.0  # requests a second

SOURCES = {
    "planner/fares.py": '''\
"""Live fares from the fares service."""

import requests

BASE = "http://127.0.0.1:5001"


def quote(slug):
    """The fare to one destination."""
    answer = requests.get(f"{BASE}/fares", params={"to": slug})
    answer.raise_for_status()
    return answer.json()["fare"]


def quote_or_none(slug):
    """The fare, or nothing when the service has trouble."""
    try:
        answer = requests.get(f"{BASE}/fares", params={"to": slug, "detail": 1})
        return answer.json()["fare"]
    except Exception:
        return None
''',
    "planner/payments.py": '''\
"""Payment authorisation."""

import requests

BASE = "http://127.0.0.1:5001"


def authorise(amount):
    """Reserve the amount; answers with the authorisation's number."""
    answer = requests.post(f"{BASE}/payments", json={"amount": amount}, timeout=(1, 2))
    answer.raise_for_status()
    return answer.json()["number"]
''',
}


@dataclass(frozen=True)
class Call:
    """The outbound call of an endpoint; `swallows` marks code that hides the error and answers without the content."""

    target: str
    site: tuple[str, int, str]
    timeout: tuple[float, float] | None
    swallows: bool = False


@dataclass(frozen=True)
class Endpoint:
    """One step of the journey."""

    method: str
    name: str
    route: str
    path: str
    milliseconds: float
    call: Call | None = None


QUOTE = Call("GET 127.0.0.1/fares?to=moon", ("planner/fares.py", 10, "quote"), None)
QUOTE_OR_NONE = Call(
    "GET 127.0.0.1/fares?to=moon&detail=1", ("planner/fares.py", 18, "quote_or_none"), None, swallows=True
)
AUTHORISE = Call("POST 127.0.0.1/payments", ("planner/payments.py", 10, "authorise"), (1, 2))
CALLS = (QUOTE, QUOTE_OR_NONE, AUTHORISE)
JOURNEY = (
    Endpoint("GET", "/api/destinations", "/api/destinations", "/api/destinations", 20.0, QUOTE),
    Endpoint(
        "GET", "/api/destinations/[slug]", "/api/destinations/<slug>", "/api/destinations/moon", 12.0, QUOTE_OR_NONE
    ),
    Endpoint("POST", "/api/bookings", "/api/bookings", "/api/bookings", 30.0, AUTHORISE),
    Endpoint("GET", "/api/bookings", "/api/bookings", "/api/bookings", 8.0),
)

EDGE_LATENCY = {
    "name": "edge-latency",
    "seam": "wsgi",
    "rate": 0.1,
    "match": {"route": ["/api/*"]},
    "fault": {"type": "latency", "distribution": "uniform", "low": 0.1, "high": 2.0},
}
EDGE_EXCEPTION = {
    "name": "edge-exception",
    "seam": "wsgi",
    "rate": {"chaos": 0.1},
    "match": {"not_route": ["/healthz"]},
    "fault": {"type": "exception", "class": "RuntimeError"},
}
EDGE_503 = {
    "name": "edge-503",
    "seam": "wsgi",
    "rate": 0.1,
    "match": {},
    "fault": {"type": "http_error", "status": 503},
}
FARES_SLOW = {
    "name": "fares-slow",
    "seam": "http_client",
    "rate": 0.08,
    "match": {"path": ["/fares*"]},
    "fault": {"type": "latency", "distribution": "fixed", "seconds": 3.0},
}
FARES_DOWN = {
    "name": "fares-down",
    "seam": "http_client",
    "rate": 0.08,
    "persistence": "request",
    "match": {"path": ["/fares*"]},
    "fault": {"type": "connection_reset"},
}
PAYMENTS_503 = {
    "name": "payments-503",
    "seam": "http_client",
    "rate": 0.08,
    "match": {"path": ["/payments*"]},
    "fault": {"type": "http_error", "status": 503},
}
RULES = (EDGE_LATENCY, EDGE_EXCEPTION, FARES_SLOW, FARES_DOWN, PAYMENTS_503)


@dataclass(frozen=True)
class World:
    """What happened. The last six are the truths that finders must find: shares of requests, or seconds."""

    requests: int = 600
    seed: int = 42
    users: int = 8
    stages: tuple[tuple[str, float], ...] = (("baseline", 0.2), ("chaos", 0.7), ("recovery", 0.1))
    rules: tuple[dict[str, Any], ...] = RULES
    slos: tuple[str, ...] = ("error_rate<1%", "p95<500ms")
    client_parts: int = 2
    app_parts: int = 2
    sampled: float = 0.1
    own_bug: float = 0.0  # GET /api/bookings fails whatever happens
    collateral: float = 0.0  # GET /api/bookings fails in chaos without a fault
    slow_recovery: float = 0.0  # seconds after chaos in which every second request fails and all take 2 s
    checks_content: bool = True  # the client notices an answer without its fare
    wrapped: bool = True  # False: the injector does nothing at all

    @cached_property
    def bounds(self) -> tuple[float, ...]:
        """When each stage starts, and the end."""
        shares = (sum(share for _, share in self.stages[:n]) for n in range(len(self.stages) + 1))
        return tuple(STARTED + round(share * self.requests) / RATE for share in shares)

    @property
    def ended(self) -> float:
        """The end of the run."""
        return self.bounds[-1]


@dataclass
class Truth:
    """What a reader must find: fired event ids, rows, failures by endpoint, and each request's rules by key."""

    events: set[str] = field(default_factory=set)
    rows: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    rules: dict[str, tuple[str, ...]] = field(default_factory=dict)
