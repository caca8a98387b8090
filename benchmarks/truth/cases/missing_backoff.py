"""Repetitions without a pause: what passes in a moment is not given the moment."""

from __future__ import annotations

import os
import random
import time

import requests
from flask import Flask, jsonify
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="missing_backoff",
    endpoints=["GET /items"],
    rules=[http_rule("stock-unavailable", {"type": "http_error"}, rate=0.1, persistence="request")],
)


def defect() -> Flask:
    """Asks three times in a row."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        for _ in range(3):
            stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)  # <- defect; mended by: backoff
            if stock.ok:
                return jsonify(stock.json())
        return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}

    return app


def defect_adapter() -> Flask:
    """Has urllib3 ask, which does not pause unless it is told to."""
    app, session = Flask(__name__), requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Retry(3, status_forcelist=[503], raise_on_status=False)))

    @app.get("/items")
    def items():
        stock = session.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)  # <- defect; mended by: backoff
        if stock.ok:
            return jsonify(stock.json())
        return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}

    return app


def twin() -> Flask:
    """Waits longer each time, and not as long as the others."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        for attempt in range(3):
            stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)
            if stock.ok:
                return jsonify(stock.json())
            time.sleep(0.05 * 2**attempt * (1 + random.random()))
        return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}

    return app


def twin_adapter() -> Flask:
    """Has urllib3 ask, which repeats at once the first time only."""
    app, session = Flask(__name__), requests.Session()
    retry = Retry(3, backoff_factor=0.02, backoff_jitter=0.02, status_forcelist=[503], raise_on_status=False)
    session.mount("http://", HTTPAdapter(max_retries=retry))

    @app.get("/items")
    def items():
        stock = session.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)
        if stock.ok:
            return jsonify(stock.json())
        return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}

    return app
