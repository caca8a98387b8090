"""Routes that fail without any fault: bugs of their own, never to be blamed on the faults that they also meet."""

from __future__ import annotations

import os

import requests
from flask import Flask, jsonify, request

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="collateral",
    endpoints=["GET /report?item={n}", "GET /items"],
    rules=[
        http_rule("stock-reset", {"type": "connection_reset"}, rate=0.1),
        http_rule("stock-noop", {"type": "noop"}, rate=0.2),
    ],
    lethal=["stock-reset"],
    requests=400,
    reach=0.8,  # one report in four fails before it asks the stock
)


def defect_always() -> Flask:
    """Takes a key that the stock never had."""
    app = Flask(__name__)

    @app.get("/report")
    def report():
        return jsonify(total=_stock()["total"])  # <- defect

    @app.get("/items")
    def items():
        return jsonify(_stock())

    return app


def defect_sometimes() -> Flask:
    """Knows three items in four only, and finds out before it asks the stock."""
    app = Flask(__name__)

    @app.get("/report")
    def report():
        discount = {0: 10, 1: 20, 2: 30}[int(request.args["item"]) % 4]  # <- defect
        return jsonify(discount=discount, stock=_stock())

    @app.get("/items")
    def items():
        return jsonify(_stock())

    return app


def twin() -> Flask:
    """Both routes work."""
    app = Flask(__name__)

    @app.get("/report")
    def report():
        return jsonify(total=len(_stock()["items"]))

    @app.get("/items")
    def items():
        return jsonify(_stock())

    return app


def _stock() -> dict:
    try:
        return requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).json()
    except requests.RequestException:
        return {"items": [], "degraded": True}
