"""An order that is read to its end, however long it is.

The services share the line that makes the app: a patch there is the defect's, too.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, abort, jsonify, request

from benchmarks.truth.case import Case

LARGE = {"type": "large_body", "bytes": 4 << 20}
CASE = Case(
    finder="unbounded_body",
    where="POST /items",
    endpoints=["POST /items", "GET /items"],
    rules=[{"name": "too-large", "seam": "wsgi", "fault": LARGE, "rate": 0.2, "match": {"method": ["POST"]}}],
    reach=0.5,  # half of the requests have a body
)
LIMIT = 100_000  # bytes


def body(n: int) -> dict[str, Any]:
    """What a visitor orders."""
    return {"item": n, "note": "by the door"}


def defect() -> Flask:
    """Takes all that comes."""
    app = _app()  # <- mended by: body_limit

    @app.post("/items")
    def order():
        return jsonify(ordered=request.get_json()["item"]), 201

    return app


def twin() -> Flask:
    """Looks at the length before it reads."""
    app = _app()

    @app.post("/items")
    def order():
        if request.content_length is None or request.content_length > LIMIT:
            abort(413)
        return jsonify(ordered=request.get_json()["item"]), 201

    return app


def twin_in_pieces() -> Flask:
    """Reads until it is too much."""
    app = _app()

    @app.post("/items")
    def order():
        text = request.stream.read(LIMIT + 1)
        if len(text) > LIMIT:
            abort(413)
        return jsonify(ordered=json.loads(text)["item"]), 201

    return app


def _app() -> Flask:
    app = Flask(__name__)

    @app.get("/items")
    def items():
        return jsonify(items=["lamp", "table"])

    return app
