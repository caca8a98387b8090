"""Services that nothing is wrong with, however much they are put upon."""

from __future__ import annotations

import os
import time

import requests
from flask import Flask, jsonify
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="",
    endpoints=["GET /items", "GET /about"],
    rules=[
        http_rule("stock-slow", {"type": "latency", "seconds": 0.3}),
        http_rule("stock-hangs", {"type": "read_timeout"}),
        http_rule("stock-reset", {"type": "connection_reset"}),
        http_rule("stock-503", {"type": "http_error", "status": 503}),
        http_rule("stock-garbage", {"type": "garbage_body"}),
        http_rule("stock-cut", {"type": "truncated_body"}),
        {"name": "edge-exception", "seam": "wsgi", "fault": {"type": "exception"}},
        {"name": "edge-slow", "seam": "wsgi", "fault": {"type": "latency", "seconds": 0.1}},
    ],
    requests=600,
    reach=0.3,  # half of them, where no earlier fault has ended the call
    least=2,
)


def decoy_slow_but_right() -> Flask:
    """Takes its time, with faults and without, and does all that can be done about them."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        time.sleep(0.1)
        return jsonify(_stock())

    @app.get("/about")
    def about():
        time.sleep(0.15)
        return jsonify(name="shop")

    return app


def decoy_handles_everything() -> Flask:
    """Retries what may pass, gives up in time, and says what is missing."""
    app = Flask(__name__)
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Retry(2, backoff_factor=0.01, status_forcelist=[503])))

    @app.get("/items")
    def items():
        return jsonify(_stock(session))

    @app.get("/about")
    def about():
        return jsonify(name="shop")

    return app


def _stock(session: requests.Session | None = None) -> dict:
    try:
        answer = (session or requests).get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=0.5)
        answer.raise_for_status()
        return answer.json()
    except requests.RequestException:
        return {"items": [], "degraded": True}
