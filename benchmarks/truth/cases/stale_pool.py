"""A pool that hands connections out without asking whether they still live: after a restart each fails a request."""

from __future__ import annotations

import os

from flask import Flask, jsonify
from sqlalchemy import create_engine, text

from benchmarks.truth.case import Case

CASE = Case(
    finder="stale_pool",
    endpoints=["GET /items"],
    rules=[{"name": "database-restarted", "seam": "database", "rate": 0.3, "fault": {"type": "stale_connections"}}],
    requests=120,  # one after the other, each fault with a connection of its own: 200 take a busy machine a minute
    users=1,  # so that its connection lies in the pool in between
    least=8,  # a fault right after another finds the pool empty
    needs=["postgresql"],
    also={
        "dependency_error": "the request in which the connection turns out to be dead fails",
        "unmapped_error": "nobody catches what the driver raises",
    },
)


def defect() -> Flask:
    """Takes what it gets."""
    app, engine = Flask(__name__), _engine()

    @app.get("/items")
    def items():
        with engine.connect() as connection:  # <- defect; mended by: pool_pre_ping
            total = connection.execute(text("SELECT count(*) FROM stock")).scalar()
        return jsonify(total=total)

    return app


def twin() -> Flask:
    """Has the pool ask first."""
    app, engine = Flask(__name__), _engine(pool_pre_ping=True)

    @app.get("/items")
    def items():
        with engine.connect() as connection:
            total = connection.execute(text("SELECT count(*) FROM stock")).scalar()
        return jsonify(total=total)

    return app


def _engine(**settings: bool):
    engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:"), **settings)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE stock (n integer)"))
    return engine
