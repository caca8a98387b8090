"""A call that may be repeated and is made once: each answer whose body is cut short fails a request."""

from __future__ import annotations

import os
import time

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="no_retry",
    endpoints=["GET /items"],
    rules=[http_rule("stock-cut-short", {"type": "truncated_body"}, rate=0.12)],
    also={
        "dependency_error": "what a missing retry leads to",
        "unmapped_error": "nobody catches what requests raises",
    },
)


def defect() -> Flask:
    """Asks once."""
    app, session = Flask(__name__), requests.Session()

    @app.get("/items")
    def items():
        url = os.environ["DEPENDENCY_URL"] + "/stock"
        stock = session.get(url, timeout=1)  # <- defect; mended by: retry_with_stamina
        stock.raise_for_status()
        return jsonify(stock.json())

    return app


def twin() -> Flask:
    """Asks up to six times: all of them fail once in 300,000 requests."""
    app, session = Flask(__name__), requests.Session()

    def stock() -> requests.Response:
        url, left = os.environ["DEPENDENCY_URL"] + "/stock", 5
        while True:
            try:
                return session.get(url, timeout=1)
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                if not left:
                    raise
            left -= 1
            time.sleep(0.01)

    @app.get("/items")
    def items():
        answer = stock()
        answer.raise_for_status()
        return jsonify(answer.json())

    return app


def twin_told() -> Flask:
    """Asks once, and tells its own caller to ask again."""
    app, session = Flask(__name__), requests.Session()

    @app.errorhandler(requests.RequestException)
    def unavailable(_: requests.RequestException):
        return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}

    @app.get("/items")
    def items():
        stock = session.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)
        stock.raise_for_status()
        return jsonify(stock.json())

    return app
