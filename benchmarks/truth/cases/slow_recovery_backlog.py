"""A backlog that feeds itself: who waited long has more to do when its turn comes, so that the others wait long, too.

Many users who pause, as in the open, so that a stall lets them pile up.
"""

from __future__ import annotations

import os
import time
from threading import Lock

import requests
from flask import Flask, jsonify
from werkzeug.exceptions import ServiceUnavailable

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="slow_recovery",
    where="GET /items",
    endpoints=["GET /items"],
    rules=[http_rule("stock-slow", {"type": "latency", "seconds": 1.0}, rate=0.015)],
    users=40,
    pause=(0.3, 0.7),
    requests=1200,
    least=3,
    also={
        "tail_latency": "what goes on after the faults went on among them",
    },
)
FRESH = 0.3  # seconds
QUICK, THOROUGH = 0.004, 0.03  # seconds of work: with what was read before the wait, and where it must be read again


def defect() -> Flask:
    """Lets everybody wait."""
    app, desk = Flask(__name__), Lock()  # <- mended by: limit_in_flight

    @app.get("/items")
    def items():
        return jsonify(_served(desk))

    return app


def twin() -> Flask:
    """Lets so many wait as can be served while what they read is fresh."""
    app, desk, waiting = Flask(__name__), Lock(), []

    @app.get("/items")
    def items():
        if len(waiting) >= FRESH / THOROUGH / 2:
            raise ServiceUnavailable("busy", retry_after=1)
        waiting.append(1)
        try:
            return jsonify(_served(desk))
        finally:
            waiting.pop()

    return app


def _served(desk: Lock) -> dict:
    """One at a time: the stock, worked on quickly where it was read a moment ago."""
    read = time.monotonic()
    with desk:
        stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=2).json()
        time.sleep(QUICK if time.monotonic() - read < FRESH else THOROUGH)
    return stock
