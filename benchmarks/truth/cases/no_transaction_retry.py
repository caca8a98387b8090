"""A transaction that the database turns away, so that others' can go on, and that is given up at once."""

from __future__ import annotations

import os
import random
import time

import psycopg
from flask import Flask, jsonify

from benchmarks.truth.case import Case

CASE = Case(
    finder="no_transaction_retry",
    endpoints=["GET /items"],
    rules=[
        {
            "name": "stock-conflict",
            "seam": "database",
            "rate": 0.1,
            "match": {"verb": ["SELECT"]},
            "fault": {"type": "statement_error", "kind": "serialization_failure"},
        }
    ],
    needs=["postgresql"],
    also={
        "dependency_error": "what a missing retry leads to",
        "unmapped_error": "nobody catches what the driver raises",
    },
)
SUM = "SELECT coalesce(sum(n), 0) FROM stock"
ATTEMPTS = 6  # all of them fail once in a million requests
_AGAIN = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)


def defect() -> Flask:
    """Tries it once."""
    app = _app()

    @app.get("/items")
    def items():
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            total = connection.execute(SUM).fetchone()[0]  # <- defect; mended by: transaction_retry
        return jsonify(total=total)

    return app


def twin() -> Flask:
    """Makes the whole transaction again, on these errors only."""
    app = _app()

    def total() -> int:
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            return connection.execute(SUM).fetchone()[0]

    @app.get("/items")
    def items():
        for attempt in range(ATTEMPTS - 1):
            try:
                return jsonify(total=total())
            except _AGAIN:
                time.sleep(random.uniform(0.02, 0.04) * 2**attempt)
        return jsonify(total=total())

    return app


def twin_told() -> Flask:
    """Tries it once, and tells its own caller to try again."""
    app = _app()

    @app.errorhandler(psycopg.errors.SerializationFailure)
    def unavailable(_: psycopg.Error):
        return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}

    @app.get("/items")
    def items():
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            total = connection.execute(SUM).fetchone()[0]
        return jsonify(total=total)

    return app


def _app() -> Flask:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE TABLE stock (n integer)")
    return Flask(__name__)
