"""A service with few threads, all of which wait for the same slow dependency: none is left for who does not ask it.

The dependency is slow in bursts, and well in between.
"""

from __future__ import annotations

import os
from threading import BoundedSemaphore

import requests
from flask import Flask, jsonify
from werkzeug.exceptions import ServiceUnavailable

from benchmarks.truth.case import Case, http_rule

BURSTS = 7
CASE = Case(
    finder="head_of_line_blocking",
    endpoints=[*["GET /items"] * 5, "GET /about"],
    rules=[
        http_rule(
            "stock-slow",
            {"type": "latency", "seconds": 0.5},
            rate={f"burst-{number}": 1.0 for number in range(BURSTS)},
        ),
        http_rule("stock-noop", {"type": "noop"}, rate=0.3),  # so that the calm in between belongs to the experiment
    ],
    lethal=["stock-slow"],
    stages=[
        {"name": "baseline", "share": 0.15},
        *(
            {"name": f"{name}-{number}", "share": share}
            for number in range(BURSTS)
            for name, share in (("burst", 0.08), ("calm", 0.03))
        ),
        {"name": "recovery", "share": 0.08},
    ],
    requests=750,
    users=24,
    pause=(0.1, 0.3),
    reach=0.7,  # five of six
    allowed={"collateral": "who gets no slot is refused, and meets no fault", "error_rate": "the same"},
)
THREADS = 8


def defect() -> Flask:
    """Lets all of them wait."""
    app = _app()

    @app.get("/items")
    def items():
        stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=2)  # <- defect; mended by: bulkhead
        return jsonify(stock.json())

    return app


def twin() -> Flask:
    """Lets two of them wait, and says to the others that it cannot now."""
    app, slots = _app(), BoundedSemaphore(2)

    @app.get("/items")
    def items():
        if not slots.acquire(timeout=0.05):
            raise ServiceUnavailable("busy", retry_after=1)
        try:
            stock = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=2)
        finally:
            slots.release()
        return jsonify(stock.json())

    return app


def _app() -> Flask:
    """As on a server with so many threads."""
    app, threads = Flask(__name__), BoundedSemaphore(THREADS)

    @app.before_request
    def take_thread():
        threads.acquire()

    @app.teardown_request
    def return_thread(_error):
        threads.release()

    @app.get("/about")
    def about():
        return jsonify(name="shop")

    return app
