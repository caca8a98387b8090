"""Two faults that meet the same calls, one of them lethal: the harmless one must not be blamed.

The harmless one fires at six calls in ten, the lethal one at three in ten, so most of what fails has met both.
"""

from __future__ import annotations

import os

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="dependency_error",
    endpoints=["GET /items"],
    rules=[
        http_rule("stock-late", {"type": "latency", "seconds": 0.02}, rate=0.6, match={"path": ["/stock"]}),
        http_rule("reviews-reset", {"type": "connection_reset"}, rate=0.6, match={"path": ["/reviews"]}),
        http_rule("stock-reset", {"type": "connection_reset"}, rate=0.3, match={"path": ["/stock"]}),
    ],
    lethal=["stock-reset"],
)


def defect() -> Flask:
    """Does without reviews, and with a slow stock, but not without the stock."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        url = os.environ["DEPENDENCY_URL"]
        try:
            reviews = requests.get(url + "/reviews", timeout=1).json()["reviews"]
        except requests.RequestException:
            reviews = None
        stock = requests.get(url + "/stock", timeout=1)  # <- defect; also: no_retry, unmapped_error
        return jsonify(stock.json(), reviews)

    return app


def twin() -> Flask:
    """Does without either."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        return jsonify(_ask("/stock"), _ask("/reviews"))

    def _ask(path: str) -> dict | None:
        try:
            return requests.get(os.environ["DEPENDENCY_URL"] + path, timeout=1).json()
        except requests.RequestException:
            return None

    return app
