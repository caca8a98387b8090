"""An error that is swallowed, and a client that takes what it gets: nothing fails, and the price is made up."""

from __future__ import annotations

import os

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="wrong_content",
    endpoints=["GET /price"],
    rules=[http_rule("stock-down", {"type": "connection_reset"}, rate=0.1, persistence="request")],
)


def defect() -> Flask:
    """Makes a price up."""
    app = Flask(__name__)

    @app.get("/price")
    def item_price():
        try:
            stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)  # <- defect
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


def twin_last() -> Flask:
    """Says the last price that it has heard, which is still right."""
    app, last = Flask(__name__), {"price": 3}

    @app.get("/price")
    def item_price():
        try:
            stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)
            last["price"] = stock.json()["price"]
        except requests.RequestException:
            app.logger.warning("the stock does not answer")
        return jsonify(price=last["price"])

    return app
