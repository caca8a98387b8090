"""An answer that is used whatever it is: an error page ends in a KeyError of ours."""

from __future__ import annotations

import os

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="unchecked_body",
    endpoints=["GET /price?item={n}"],
    rules=[
        http_rule("stock-500", {"type": "http_error", "status": 500}, rate=0.1, persistence="request"),
        http_rule("stock-garbage", {"type": "garbage_body"}, rate=0.1, persistence="request"),
    ],
    also={"dependency_error": "the same failures, seen from the dependency"},
)


def defect() -> Flask:
    """Takes what comes."""
    app = Flask(__name__)

    @app.get("/price")
    def item_price():
        answer = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)  # <- defect; mended by: validate_body
        stock = answer.json()
        return jsonify(price=stock["price"])

    return app


def twin() -> Flask:
    """Looks first, and says that the answer was bad."""
    app = Flask(__name__)

    @app.get("/price")
    def item_price():
        try:
            answer = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)
            answer.raise_for_status()
            return jsonify(price=answer.json()["price"])
        except (requests.RequestException, KeyError):
            return jsonify(error="Bad Gateway"), 502

    return app


def twin_fallback() -> Flask:
    """Looks first, and does without."""
    app = Flask(__name__)

    @app.get("/price")
    def item_price():
        answer = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)
        try:
            price = answer.json()["price"] if answer.ok else None
        except ValueError:
            price = None
        return jsonify(price=price, degraded=price is None)

    return app
