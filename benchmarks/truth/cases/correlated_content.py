"""Three faults in the same requests, one of which becomes a wrong price that says 200: no exception shows which one.

What fails by the lethal fault meets a harmless delay at the same call, and then a harmless error at a later call.
"""

from __future__ import annotations

import os

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="wrong_content",
    endpoints=["GET /price"],
    rules=[
        http_rule("stock-late", {"type": "latency", "seconds": 0.02}, rate=0.5, match={"path": ["/stock"]}),
        http_rule("stock-reset", {"type": "connection_reset"}, rate=0.3, match={"path": ["/stock"]}),
        http_rule("reviews-reset", {"type": "connection_reset"}, rate=0.5, match={"path": ["/reviews"]}),
    ],
    lethal=["stock-reset"],
)


def right(answer: dict) -> bool:
    """A price is one that the stock has, or there is none and the answer says so."""
    return answer["price"] == 3 or (answer["price"] is None and answer.get("degraded") is True)


def defect() -> Flask:
    """Makes a price up, and does without reviews as it should."""
    app = Flask(__name__)

    @app.get("/price")
    def item_price():
        try:
            price = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).json()["price"]  # <- defect
        except Exception:
            price = 0
        return jsonify(price=price, reviews=_reviews())

    return app


def twin() -> Flask:
    """Says that it does not know."""
    app = Flask(__name__)

    @app.get("/price")
    def item_price():
        try:
            price = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).json()["price"]
        except requests.RequestException:
            price = None
        return jsonify(price=price, reviews=_reviews(), degraded=price is None)

    return app


def _reviews() -> list | None:
    try:
        return requests.get(os.environ["DEPENDENCY_URL"] + "/reviews", timeout=1).json()["reviews"]
    except requests.RequestException:
        return None
