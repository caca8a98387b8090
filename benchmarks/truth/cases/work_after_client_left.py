"""A request that goes on with its work when nobody waits for its answer any more."""

from __future__ import annotations

import os
import time

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="work_after_client_left",
    endpoints=["GET /items"],
    rules=[http_rule("stock-slow", {"type": "latency", "seconds": 1.5}, rate=0.15, match={"path": ["/stock"]})],
    deadline=0.8,
    also={"missing_timeout": "the call that the client leaves at has none"},
)
BUDGET = 0.6  # seconds; less than a client waits


def defect() -> Flask:
    """Asks for the reviews whoever is still there."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock")
        reviews = requests.get(os.environ["DEPENDENCY_URL"] + "/reviews")  # <- defect
        return jsonify({**stock.json(), **reviews.json()})

    return app


def twin() -> Flask:
    """Gives each call what is left of the time, and ends with it."""
    app = Flask(__name__)

    @app.errorhandler(requests.Timeout)
    def unavailable(_: requests.Timeout):
        return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}

    @app.get("/items")
    def items():
        ends = time.monotonic() + BUDGET
        stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=ends - time.monotonic())
        left = ends - time.monotonic()
        if left <= 0:
            raise requests.Timeout
        reviews = requests.get(os.environ["DEPENDENCY_URL"] + "/reviews", timeout=left)
        return jsonify({**stock.json(), **reviews.json()})

    return app
