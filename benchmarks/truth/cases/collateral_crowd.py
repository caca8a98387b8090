"""Requests that get in each other's way: where there are too many, each takes so long that they become more.

A stall of the whole process lets them pile up. Those whose client has left are worked on like the others.
"""

from __future__ import annotations

import os
import time

import requests
from flask import Flask, jsonify
from werkzeug.exceptions import ServiceUnavailable

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="collateral",
    where="GET /items",
    endpoints=["GET /items"],
    rules=[http_rule("stock-stalls", {"type": "latency", "seconds": 0.3, "blocking": True}, rate=0.03)],
    requests=800,
    users=60,
    pause=(0.0, 3.2),  # so that few requests are under way when all is well
    deadline=1.0,
    also={
        "error_rate": "the failures of requests without a fault have no proven cause among the faults",
        "slow_recovery": "their requests are in hand still when the faults have ended",
        "tail_latency": "those that get an answer wait in the crowd, too",
        "work_after_client_left": "the crowd is made of requests whose clients have left",
    },
    allowed={
        "collateral": "who cannot be served in time is refused, and meets no fault",
        "error_rate": "the same",
        "tail_latency": "who is let in when the process stalls waits with it",
    },
)
ENOUGH = 8  # requests in hand
WORK, TOO_MUCH = 0.02, 2.0  # seconds that one takes, and where there are more: as when the memory is used up


def defect() -> Flask:
    """Takes in whoever comes."""
    app, in_hand = _app(), []  # <- mended by: limit_in_flight

    @app.get("/items")
    def items():
        return jsonify(_served(in_hand))

    return app


def twin() -> Flask:
    """Takes in so many as can be served."""
    app, in_hand = _app(), []

    @app.get("/items")
    def items():
        if len(in_hand) >= ENOUGH:
            raise ServiceUnavailable("busy", retry_after=1)
        return jsonify(_served(in_hand))

    return app


def _app() -> Flask:
    app = Flask(__name__)
    return app  # noqa: RET504 - a fix looks for the line that makes the app


def _served(in_hand: list) -> dict:
    in_hand.append(1)
    try:
        time.sleep(WORK if len(in_hand) <= ENOUGH else TOO_MUCH)
        return requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=2).json()
    finally:
        in_hand.pop()
