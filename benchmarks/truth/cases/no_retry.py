"""A call that may be repeated and is made once: each passing fault fails a request."""

from __future__ import annotations

import os

import requests
from flask import Flask, jsonify
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="no_retry",
    endpoints=["GET /items"],
    rules=[http_rule("stock-unavailable", {"type": "http_error"}, rate=0.12)],
    also={
        "dependency_error": "what a missing retry leads to",
        "unmapped_error": "nobody catches what raise_for_status raises",
    },
)


def defect() -> Flask:
    """Asks once."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)  # <- defect; mended by: retry
        stock.raise_for_status()
        return jsonify(stock.json())

    return app


def twin() -> Flask:
    """Asks up to six times: all of them fail once in 300,000 requests."""
    app = Flask(__name__)
    session = requests.Session()
    retry = Retry(5, backoff_factor=0.01, backoff_jitter=0.01, status_forcelist=[503])
    session.mount("http://", HTTPAdapter(max_retries=retry))

    @app.get("/items")
    def items():
        stock = session.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)
        stock.raise_for_status()
        return jsonify(stock.json())

    return app


def twin_told() -> Flask:
    """Asks once, and tells its own caller to ask again."""
    app = Flask(__name__)

    @app.errorhandler(requests.RequestException)
    def unavailable(_: requests.RequestException):
        return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}

    @app.get("/items")
    def items():
        stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)
        stock.raise_for_status()
        return jsonify(stock.json())

    return app
