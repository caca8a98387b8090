"""A part of the page that is nice to have, and takes the page with it."""

from __future__ import annotations

import os

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="no_fallback",
    endpoints=["GET /items", "GET /front"],
    rules=[
        http_rule(
            "reviews-down", {"type": "connection_reset"}, rate=0.12, persistence="request", match={"path": ["/reviews"]}
        )
    ],
    requests=500,
)


def defect() -> Flask:
    """Has the front page without reviews, and the list not."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        stock = _ask("/stock")
        url = os.environ["DEPENDENCY_URL"] + "/reviews"
        reviews = requests.get(url, timeout=1)  # <- defect; also: dependency_error, unmapped_error; mended by: fallback
        return jsonify(items=stock["items"], reviews=reviews.json()["reviews"])

    @app.get("/front")
    def front():
        try:
            return jsonify(name="shop", reviews=_ask("/reviews")["reviews"])
        except requests.RequestException:
            return jsonify(name="shop", reviews=[], degraded=True)

    return app


def twin() -> Flask:
    """Has both without."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        stock = _ask("/stock")
        try:
            return jsonify(items=stock["items"], reviews=_ask("/reviews")["reviews"])
        except requests.RequestException:
            return jsonify(items=stock["items"], reviews=[], degraded=True)

    @app.get("/front")
    def front():
        try:
            return jsonify(name="shop", reviews=_ask("/reviews")["reviews"])
        except requests.RequestException:
            return jsonify(name="shop", reviews=[], degraded=True)

    return app


def twin_needed() -> Flask:
    """Cannot have the list without, and says so."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        stock = _ask("/stock")
        try:
            return jsonify(items=stock["items"], score=len(_ask("/reviews")["reviews"]))
        except requests.RequestException:
            return jsonify(error="Service Unavailable"), 503

    @app.get("/front")
    def front():
        try:
            return jsonify(name="shop", reviews=_ask("/reviews")["reviews"])
        except requests.RequestException:
            return jsonify(name="shop", reviews=[], degraded=True)

    return app


def _ask(path: str) -> dict:
    return requests.get(os.environ["DEPENDENCY_URL"] + path, timeout=1).json()
