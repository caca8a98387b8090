"""An answer whose status nobody looks at, read as text: an error page has nothing where it is cut."""

from __future__ import annotations

import os

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="unchecked_body",
    endpoints=["GET /price?item={n}"],
    rules=[http_rule("stock-500", {"type": "http_error", "status": 500}, rate=0.15, persistence="request")],
    also={"dependency_error": "the same failures, seen from the dependency"},
)


def defect() -> Flask:
    """Takes what comes."""
    app = Flask(__name__)

    @app.get("/price")
    def item_price():
        url = os.environ["DEPENDENCY_URL"] + "/stock"
        answer = requests.get(url, timeout=1)  # <- defect; mended by: raise_for_status
        price = answer.text.split('"price":')[1]
        return jsonify(price=int(price.strip(" }")))

    return app


def twin() -> Flask:
    """Looks first, and says that the answer was bad."""
    app = Flask(__name__)

    @app.get("/price")
    def item_price():
        answer = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1)
        if not answer.ok:
            return jsonify(error="Bad Gateway"), 502
        return jsonify(price=int(answer.text.split('"price":')[1].strip(" }")))

    return app
