"""A dependency's error that nobody catches: its trouble is our 500."""

from __future__ import annotations

import os

import requests
from flask import Flask, jsonify
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="dependency_error",
    endpoints=["GET /items"],
    rules=[http_rule("stock-reset", {"type": "connection_reset"}, rate=0.1)],
    also={
        "no_retry": "a reset passes, and the call is made once",
        "unmapped_error": "that nobody catches it is the defect, seen from the answer",
    },
)


def defect() -> Flask:
    """Lets it out."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)  # <- defect
        return jsonify(stock.json())

    return app


def twin_retried() -> Flask:
    """Asks again: all six attempts meet a reset of their own once in a million, in one of 4,700 runs of 210."""
    app = Flask(__name__)
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Retry(5, backoff_factor=0.01)))

    @app.get("/items")
    def items():
        return jsonify(session.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).json())

    return app


def twin_fallback() -> Flask:
    """Answers with what it has, and says so."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        try:
            stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)
        except requests.ConnectionError:
            return jsonify(items=["lamp"], degraded=True)
        return jsonify(stock.json())

    return app


def twin_mapped() -> Flask:
    """Nothing can stand in for the stock: says that it cannot now, and when to come back."""
    app = Flask(__name__)

    @app.errorhandler(requests.RequestException)
    def unavailable(_: requests.RequestException):
        return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}

    @app.get("/items")
    def items():
        return jsonify(requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).json())

    return app
