"""A circuit breaker that counts the calls it refused as failures, and so never closes: trouble outlasts its cause."""

from __future__ import annotations

import os
import time

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="slow_recovery",
    where="GET /items",
    endpoints=["GET /items"],
    rules=[http_rule("stock-down", {"type": "connection_reset"}, rate=0.8)],
    reach=0.1,  # an open breaker makes no calls
    least=3,
    also={
        "collateral": "the open breaker turns requests away that would have met no fault",
        "error_rate": "those have no proven cause among the faults",
    },
)
OPENS_AFTER = 3  # failures in a row
STAYS_OPEN = 0.05  # seconds


def defect() -> Flask:
    """Its last failure is always a moment ago."""
    app, failures, last = Flask(__name__), 0, 0.0

    @app.get("/items")
    def items():
        nonlocal failures, last
        if failures >= OPENS_AFTER and time.monotonic() - last < STAYS_OPEN:
            last = time.monotonic()
            return jsonify(error="the breaker is open"), 503
        try:
            answer = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)
        except requests.RequestException:
            failures, last = failures + 1, time.monotonic()
            return jsonify(items=[], degraded=True)
        failures = 0
        return jsonify(answer.json())

    return app


def twin() -> Flask:
    """Only a call that was made counts; until then the answer is the one of trouble."""
    app, failures, last = Flask(__name__), 0, 0.0

    @app.get("/items")
    def items():
        nonlocal failures, last
        if failures >= OPENS_AFTER and time.monotonic() - last < STAYS_OPEN:
            return jsonify(items=[], degraded=True)
        try:
            answer = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)
        except requests.RequestException:
            failures, last = failures + 1, time.monotonic()
            return jsonify(items=[], degraded=True)
        failures = 0
        return jsonify(answer.json())

    return app
