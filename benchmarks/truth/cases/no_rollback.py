"""A connection that goes back to its pool in a failed transaction: whoever gets it next fails for no reason."""

from __future__ import annotations

import os
from queue import LifoQueue

import psycopg
from flask import Flask, jsonify

from benchmarks.truth.case import Case

CASE = Case(
    finder="no_rollback",
    endpoints=["GET /items", "GET /about"],
    rules=[
        {
            "name": "stock-conflict",
            "seam": "database",
            "rate": 0.1,
            "match": {"verb": ["SELECT"]},
            "fault": {"type": "statement_error", "kind": "serialization_failure"},
        }
    ],
    requests=400,
    reach=0.5,
    least=3,
    needs=["postgresql"],
    also={
        "dependency_error": "the request that meets the fault fails, too",
        "unmapped_error": "nobody catches what the driver raises",
        "no_transaction_retry": "and nobody tries again",
    },
)
COUNT = "SELECT count(*) FROM stock"
CONNECTIONS = 12  # more than there are users


def defect() -> Flask:
    """Puts it back as it is."""
    app, pool = Flask(__name__), _pool()

    @app.get("/items")
    def items():
        connection = pool.get()
        try:
            row = connection.execute(COUNT).fetchone()  # <- defect; mended by: rollback
            connection.commit()
            return jsonify(count=row[0])
        finally:
            pool.put(connection)

    _about(app)
    return app


def twin() -> Flask:
    """Rolls back first, and says that it cannot now."""
    app, pool = Flask(__name__), _pool()

    @app.get("/items")
    def items():
        connection = pool.get()
        try:
            row = connection.execute(COUNT).fetchone()
            connection.commit()
            return jsonify(count=row[0])
        except psycopg.Error:
            connection.rollback()
            return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}
        finally:
            pool.put(connection)

    _about(app)
    return app


def _pool() -> LifoQueue:
    pool: LifoQueue = LifoQueue()
    for _ in range(CONNECTIONS):
        pool.put(psycopg.connect(os.environ["DATABASE_URL"]))
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE TABLE stock (name text)")
    return pool


def _about(app: Flask) -> None:
    @app.get("/about")
    def about():
        return jsonify(name="shop")
