"""A slot that an error does not give back: after enough faults nobody gets one, whatever they ask for."""

from __future__ import annotations

import os
from threading import BoundedSemaphore

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="collateral",
    where="GET /items",
    endpoints=["GET /items", "GET /about"],
    rules=[http_rule("stock-reset", {"type": "connection_reset"}, rate=0.3)],
    requests=400,
    reach=0.4,  # half of them, and some are to be left when the slots are gone
    least=12,
    also={
        "error_rate": "the failures of requests without a fault have no proven cause among the faults",
        "slow_recovery": "slots that are gone do not come back when the faults end",
    },
)
SLOTS = 12  # more than there are users: without a fault nobody ever waits for one


def defect() -> Flask:
    """Keeps the slot when the call fails."""
    app, slots = Flask(__name__), BoundedSemaphore(SLOTS)

    @app.get("/items")
    def items():
        if not slots.acquire(blocking=False):
            return jsonify(error="no free slot"), 503
        url = os.environ["DEPENDENCY_URL"] + "/stock"
        stock = requests.get(url, timeout=1)  # <- also: dependency_error, no_retry, unmapped_error
        slots.release()
        return jsonify(stock.json())

    @app.get("/about")
    def about():
        return jsonify(name="shop")

    return app


def twin() -> Flask:
    """Gives it back whatever happens."""
    app, slots = Flask(__name__), BoundedSemaphore(SLOTS)

    @app.get("/items")
    def items():
        if not slots.acquire(blocking=False):
            return jsonify(error="no free slot"), 503
        try:
            return jsonify(requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).json())
        except requests.RequestException:
            return jsonify(items=[], degraded=True)
        finally:
            slots.release()

    @app.get("/about")
    def about():
        return jsonify(name="shop")

    return app
