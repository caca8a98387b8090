"""A call of httpx that may be repeated and is made once."""

from __future__ import annotations

import os

import httpx
import stamina
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="no_retry",
    endpoints=["GET /items"],
    rules=[http_rule("stock-reset", {"type": "connection_reset"}, rate=0.12)],
    also={
        "dependency_error": "what a missing retry leads to",
        "unmapped_error": "nobody catches what httpx raises",
    },
)


def defect() -> Flask:
    """Asks once."""
    app, client = Flask(__name__), httpx.Client()

    @app.get("/items")
    def items():
        url = os.environ["DEPENDENCY_URL"] + "/stock"
        stock = client.get(url, timeout=1)  # <- defect; mended by: retry_with_stamina
        return jsonify(stock.json())

    return app


def twin() -> Flask:
    """Asks up to six times: all of them fail once in 300,000 requests."""
    app, client = Flask(__name__), httpx.Client()

    @app.get("/items")
    @stamina.retry(on=httpx.TransportError, attempts=6, timeout=5, wait_initial=0.01, wait_jitter=0.01)
    def items():
        return jsonify(client.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).json())

    return app
