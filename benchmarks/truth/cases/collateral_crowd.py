"""Requests that get in each other's way: the more there are in hand, the longer each takes, and a crowd never clears.

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
    rules=[http_rule("stock-stalls", {"type": "latency", "seconds": 0.6, "blocking": True}, rate=0.012)],
    requests=1000,
    users=60,
    pause=(0.0, 3.2),  # so that few requests are under way when all is well
    deadline=1.0,
    least=1,
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
WORK = 0.0025  # seconds; so much for each pair of requests in hand, as where they fight for memory, or for a lock
ENOUGH = 8


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
        time.sleep(WORK * len(in_hand) ** 2)
        return requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=2).json()
    finally:
        in_hand.pop()
