"""A lock that is held during a call: one slow answer holds up everybody, also those who met no delay."""

from __future__ import annotations

import os
import time
from threading import Lock

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="tail_latency",
    where="GET /items",
    endpoints=["GET /items"],
    rules=[http_rule("stock-slow", {"type": "latency", "seconds": 0.45}, rate=0.045)],
    requests=400,  # 80 in the baseline: enough for a p95
    users=8,
    least=3,  # each holds up eight users: 24 of 280, more than the slowest twentieth
)
WORK = 0.02  # seconds: so that a busy machine is no doubling


def defect() -> Flask:
    """One at a time, for no reason."""
    app, lock = Flask(__name__), Lock()

    @app.get("/items")
    def items():
        time.sleep(WORK)
        with lock:
            return jsonify(requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).json())

    return app


def twin() -> Flask:
    """Who meets the delay waits, and nobody else."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        time.sleep(WORK)
        return jsonify(requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).json())

    return app
