"""A call without a timeout: while the other side hangs, so does everybody who asks."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="missing_timeout",
    endpoints=["GET /items"],
    rules=[http_rule("stock-slow", {"type": "latency", "seconds": 1.0}, rate=0.1)],
)


def defect() -> Flask:
    """Waits as long as it takes."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock")  # <- defect; mended by: http_timeout
        return jsonify(stock.json())

    return app


def twin() -> Flask:
    """Gives up in time, and says that something is missing."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        try:
            stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=0.4)
        except requests.RequestException:
            return jsonify(items=[], degraded=True)
        return jsonify(stock.json())

    return app


def twin_deadline() -> Flask:
    """The call itself may take for ever, but nobody waits for it for longer than a moment."""
    app, pool = Flask(__name__), ThreadPoolExecutor(20)

    @app.get("/items")
    def items():
        stock = pool.submit(requests.get, os.environ["DEPENDENCY_URL"] + "/stock")
        try:
            return jsonify(stock.result(timeout=0.4).json())
        except TimeoutError:
            return jsonify(items=[], degraded=True)

    return app
