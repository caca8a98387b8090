"""An order whose answer is lost: nobody knows whether it was taken, and the caller is told that all is broken."""

from __future__ import annotations

import os
from uuid import uuid4

import requests
import stamina
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="dependency_error",
    endpoints=["POST /orders"],
    rules=[http_rule("answer-lost", {"type": "connection_reset"}, rate=0.12, phase="after")],
    also={"unmapped_error": "nobody catches what requests raises"},
)


def defect() -> Flask:
    """Sends it once, and lets the error out."""
    app = Flask(__name__)

    @app.post("/orders")
    def orders():
        taken = requests.post(os.environ["DEPENDENCY_URL"] + "/orders", json={"n": 1}, timeout=1)  # <- defect
        return jsonify(taken.json()), 201

    return app


def twin() -> Flask:
    """Sends it up to six times with one key: no answer to any of them comes once in 300,000 requests."""
    app = Flask(__name__)
    again = stamina.RetryingCaller(attempts=6, timeout=5, wait_initial=0.01, wait_jitter=0.01)

    @app.post("/orders")
    def orders():
        url, key = os.environ["DEPENDENCY_URL"] + "/orders", {"Idempotency-Key": uuid4().hex}
        taken = again(requests.ConnectionError, requests.post, url, json={"n": 1}, headers=key, timeout=1)
        return jsonify(taken.json()), 201

    return app
