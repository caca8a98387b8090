"""A lock held around a call, a worker that makes it: whoever needs them waits for somebody else's slow dependency."""

from __future__ import annotations

import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="head_of_line_blocking",
    endpoints=["GET /items", "GET /about"],
    rules=[http_rule("stock-slow", {"type": "latency", "seconds": 0.4}, rate=0.1)],
    requests=600,
    reach=0.5,
)


def defect() -> Flask:
    """Counts and asks under one lock."""
    app, lock, visits = Flask(__name__), threading.Lock(), Counter()

    @app.get("/items")
    def items():
        with lock:
            visits["items"] += 1
            url = os.environ["DEPENDENCY_URL"] + "/stock"
            stock = requests.get(url, timeout=1)  # <- defect; mended by: outside_lock
        return jsonify(stock.json())

    @app.get("/about")
    def about():
        with lock:
            visits["about"] += 1
        return jsonify(name="shop")

    return app


def defect_pool() -> Flask:
    """Has one worker do all that takes time."""
    app, pool = Flask(__name__), ThreadPoolExecutor(1)

    def stock() -> dict:
        return requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).json()  # <- defect

    @app.get("/items")
    def items():
        return jsonify(pool.submit(stock).result())

    @app.get("/about")
    def about():
        return jsonify(name=pool.submit(str.upper, "shop").result())

    return app


def twin() -> Flask:
    """Counts under the lock, and asks without it."""
    app, lock, visits = Flask(__name__), threading.Lock(), Counter()

    @app.get("/items")
    def items():
        with lock:
            visits["items"] += 1
        return jsonify(requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).json())

    @app.get("/about")
    def about():
        with lock:
            visits["about"] += 1
        return jsonify(name="shop")

    return app


def twin_pools() -> Flask:
    """Has a worker for each."""
    app, pool, other = Flask(__name__), ThreadPoolExecutor(1), ThreadPoolExecutor(1)

    def stock() -> dict:
        return requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).json()

    @app.get("/items")
    def items():
        return jsonify(pool.submit(stock).result())

    @app.get("/about")
    def about():
        return jsonify(name=other.submit(str.upper, "shop").result())

    return app
