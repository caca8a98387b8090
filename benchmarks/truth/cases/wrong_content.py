"""An error that is swallowed: the answer says 200 and holds a price that nobody asked for."""

from __future__ import annotations

import os

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="wrong_content",
    endpoints=["GET /price?item={n}"],
    rules=[http_rule("stock-reset", {"type": "connection_reset"}, rate=0.1)],
)


def right(answer: dict) -> bool:
    """A price is one that the stock has, or there is none and the answer says so."""
    return answer["price"] == 3 or (answer["price"] is None and answer.get("degraded") is True)


def defect() -> Flask:
    """Makes a price up."""
    app = Flask(__name__)

    @app.get("/price")
    def item_price():
        try:
            url = os.environ["DEPENDENCY_URL"] + "/stock"
            stock = requests.get(url, timeout=1)  # <- defect; mended by: narrow_except
            return jsonify(price=stock.json()["price"])
        except Exception:
            return jsonify(price=0)

    return app


def twin() -> Flask:
    """Says that it does not know."""
    app = Flask(__name__)

    @app.get("/price")
    def item_price():
        try:
            stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)
            return jsonify(price=stock.json()["price"])
        except requests.RequestException:
            return jsonify(price=None, degraded=True)

    return app
