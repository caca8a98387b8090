"""One call for each item of a list: six chances to fail, and six waits in a row."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="n_plus_one",
    endpoints=["GET /items"],
    rules=[http_rule("stock-down", {"type": "connection_reset"}, rate=0.1, persistence="request")],
)


def defect() -> Flask:
    """Asks for one after the other."""
    app = _shop()

    @app.get("/items")
    def items():
        found = []
        for number in range(6):
            url = f"{os.environ['DEPENDENCY_URL']}/stock/{number}"
            stock = requests.get(url, timeout=1)  # <- defect; mended by: fan_out
            found.append(stock.json())
        return jsonify(found)

    return app


def twin() -> Flask:
    """Asks for all of them."""
    app = _shop()

    @app.get("/items")
    def items():
        return jsonify(requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).json())

    return app


def twin_together() -> Flask:
    """Asks for all of them at the same time, where there is no one call for it, and leaves out what does not come."""
    app, pool = _shop(), ThreadPoolExecutor(12)

    def one(number: int) -> dict | None:
        try:
            return requests.get(f"{os.environ['DEPENDENCY_URL']}/stock/{number}", timeout=1).json()
        except requests.ConnectionError:
            return None

    @app.get("/items")
    def items():
        found = [item for item in pool.map(one, range(6)) if item is not None]
        return jsonify(items=found, degraded=len(found) < 6)

    return app


def twin_few() -> Flask:
    """Asks for two: that is no list."""
    app = _shop()

    @app.get("/items")
    def items():
        return jsonify([requests.get(f"{os.environ['DEPENDENCY_URL']}/stock/{n}", timeout=1).json() for n in range(2)])

    return app


def _shop() -> Flask:
    app = Flask(__name__)

    @app.errorhandler(requests.RequestException)
    def unavailable(_: requests.RequestException):
        return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}

    return app
