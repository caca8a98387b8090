"""A request that needs a descriptor of its own: while the process has none left, it fails."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, jsonify

from benchmarks.truth.case import Case

CASE = Case(
    finder="fault_window",
    where="GET /items",
    endpoints=["GET /items"],
    rules=[
        {
            "name": "no-descriptors",
            "seam": "process",
            "rate": 1,
            "fault": {"type": "descriptors_exhausted", "seconds": 1.0},
        }
    ],
    requests=600,
    least=1,
)


def defect() -> Flask:
    """Opens a file for each answer."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        return jsonify(size=len(Path(__file__).read_bytes()))

    return app


def twin() -> Flask:
    """Knows what is in the file."""
    app, size = Flask(__name__), len(Path(__file__).read_bytes())

    @app.get("/items")
    def items():
        return jsonify(size=size)

    return app
