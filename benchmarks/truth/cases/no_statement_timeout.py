"""A slow statement that nothing ends: the request takes as long as the database does."""

from __future__ import annotations

import os

import psycopg
from flask import Flask, jsonify

from benchmarks.truth.case import Case

CASE = Case(
    finder="no_statement_timeout",
    endpoints=["GET /items"],
    rules=[
        {
            "name": "stock-slow",
            "seam": "database",
            "rate": 0.1,
            "match": {"verb": ["SELECT"]},
            "fault": {"type": "slow_statement", "seconds": 1.0},
        }
    ],
    needs=["postgresql"],
)
SUM = "SELECT coalesce(sum(n), 0) FROM stock"


def defect() -> Flask:
    """Waits as long as it takes."""
    app = _app()

    @app.get("/items")
    def items():
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            total = connection.execute(SUM).fetchone()[0]  # <- defect
        return jsonify(total=total)

    return app


def twin() -> Flask:
    """Has the database end it in time, and says that it cannot now."""
    app = _app()

    @app.errorhandler(psycopg.errors.QueryCanceled)
    def unavailable(_: psycopg.Error):
        return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}

    @app.get("/items")
    def items():
        with psycopg.connect(os.environ["DATABASE_URL"], options="-c statement_timeout=300") as connection:
            total = connection.execute(SUM).fetchone()[0]
        return jsonify(total=total)

    return app


def _app() -> Flask:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE TABLE stock (n integer)")
    return Flask(__name__)
