"""Two layers that both repeat: what is down gets nine calls for one."""

from __future__ import annotations

import os
import time

import requests
from flask import Flask, jsonify
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="retry_storm",
    endpoints=["GET /items"],
    rules=[http_rule("stock-down", {"type": "connection_reset"}, rate=0.1, persistence="request")],
)


def defect() -> Flask:
    """Asks three times a session that asks three times."""
    app, session = Flask(__name__), _session()

    @app.get("/items")
    def items():
        for pause in (0.05, 0.1, None):
            try:
                stock = session.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)  # <- defect
                return jsonify(stock.json())
            except requests.ConnectionError:
                if pause is not None:
                    time.sleep(pause)
        return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}

    return app


def twin() -> Flask:
    """Asks three times in all."""
    app, session = Flask(__name__), _session()

    @app.get("/items")
    def items():
        try:
            stock = session.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)
        except requests.ConnectionError:
            return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}
        return jsonify(stock.json())

    return app


def _session() -> requests.Session:
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Retry(2, backoff_factor=0.02, backoff_jitter=0.02)))
    return session
