"""A dependency's error that nobody turns into an answer: the caller learns that the app is broken, which it is not."""

from __future__ import annotations

import os

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="unmapped_error",
    endpoints=["GET /items"],
    rules=[http_rule("stock-down", {"type": "connection_reset"}, rate=0.1, persistence="request")],
    also={"dependency_error": "the same failures, seen from the dependency"},
)


def defect() -> Flask:
    """Lets it out."""
    app = _app()

    @app.get("/items")
    def items():
        url = os.environ["DEPENDENCY_URL"] + "/stock"
        stock = requests.get(url, timeout=1)  # <- defect; mended by: unavailable
        return jsonify(stock.json())

    return app


def twin() -> Flask:
    """Says whose fault it is, and when to come back."""
    app = _app()

    @app.get("/items")
    def items():
        try:
            stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).json()
        except requests.RequestException:
            return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}
        return jsonify(stock)

    return app


def _app() -> Flask:
    app = Flask(__name__)
    return app  # noqa: RET504 - a fix looks for the line that makes the app
