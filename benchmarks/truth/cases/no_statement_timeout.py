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
    app = Flask(__name__)
    _prepare()

    @app.get("/items")
    def items():
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            total = connection.execute(SUM).fetchone()[0]  # <- defect; mended by: statement_timeout
        return jsonify(total=total)

    return app


def twin() -> Flask:
    """Has the database end it in time, and says that it cannot now."""
    app = Flask(__name__)
    _prepare()

    @app.get("/items")
    def items():
        try:
            with psycopg.connect(os.environ["DATABASE_URL"], options="-c statement_timeout=300") as connection:
                total = connection.execute(SUM).fetchone()[0]
        except psycopg.errors.QueryCanceled:
            return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}
        return jsonify(total=total)

    return app


def _prepare() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE TABLE stock (n integer)")
