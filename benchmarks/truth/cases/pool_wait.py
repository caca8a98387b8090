"""A pool without a free connection that everybody waits for, however long that takes."""

from __future__ import annotations

import os

from flask import Flask, jsonify
from sqlalchemy import create_engine, text
from sqlalchemy.exc import TimeoutError as NoConnection

from benchmarks.truth.case import Case

CASE = Case(
    finder="pool_wait",
    endpoints=["GET /items"],
    rules=[
        {
            "name": "no-connection",
            "seam": "database",
            "rate": 0.06,
            "fault": {"type": "pool_exhaustion", "seconds": 1.0},
        }
    ],
    requests=400,
    needs=["postgresql"],
    allowed={"tail_latency": "who gets a connection after a moment has waited for it, up to 0.2 s"},
)


def defect() -> Flask:
    """Waits for half a minute, as SQLAlchemy does where nothing is said."""
    app = Flask(__name__)
    engine = _engine()

    @app.get("/items")
    def items():
        with engine.connect() as connection:  # <- defect; mended by: pool_timeout
            total = connection.execute(text("SELECT count(*) FROM stock")).scalar()
        return jsonify(total=total)

    return app


def twin() -> Flask:
    """Waits for a moment, and says that it cannot now."""
    app = Flask(__name__)
    engine = _engine(pool_timeout=0.2)

    @app.get("/items")
    def items():
        try:
            with engine.connect() as connection:
                total = connection.execute(text("SELECT count(*) FROM stock")).scalar()
        except NoConnection:
            return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}
        return jsonify(total=total)

    return app


def _engine(**settings: float):
    engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:"), **settings)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE stock (n integer)"))
    return engine
