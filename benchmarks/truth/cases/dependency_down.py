"""A dependency that hangs for everybody: each request waits for the whole timeout, one after another, and fails."""

from __future__ import annotations

import os

import requests
from circuitbreaker import circuit
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="dependency_error",
    endpoints=["GET /items"],
    rules=[http_rule("stock-hangs", {"type": "read_timeout"}, rate=1.0)],
    requests=150,
    also={
        "unmapped_error": "nobody catches what requests raises",
        "error_rate": "all requests of the stage fail",
    },
    allowed={
        "collateral": "while the circuit is open all are refused, and nobody meets the fault",
        "error_rate": "all requests of the stage fail, at once",
        "slow_recovery": "the circuit is open for a moment longer than the fault",
    },
)


def defect() -> Flask:
    """Asks each time, waits each time, and lets the error out."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        url = os.environ["DEPENDENCY_URL"] + "/stock"
        stock = requests.get(url, timeout=0.3)  # <- defect; mended by: circuit_breaker
        return jsonify(stock.json())

    return app


def twin() -> Flask:
    """Stops asking after five failures in a row, for a moment, and says that it cannot."""
    app = Flask(__name__)

    def refuse(*_: object) -> requests.Response:
        raise requests.ConnectionError("not asked")

    @circuit(failure_threshold=5, recovery_timeout=0.1, expected_exception=requests.Timeout, fallback_function=refuse)
    def ask() -> requests.Response:
        return requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=0.3)

    @app.get("/items")
    def items():
        try:
            return jsonify(ask().json())
        except requests.RequestException:
            return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}

    return app
