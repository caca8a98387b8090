"""A session of SQLAlchemy whose flush has failed, given to the next request as it is."""

from __future__ import annotations

import os
from queue import Queue

from flask import Flask, jsonify
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.truth.case import Case

CASE = Case(
    finder="no_rollback",
    endpoints=["POST /orders", "GET /about"],
    rules=[
        {
            "name": "order-refused",
            "seam": "database",
            "rate": 0.2,
            "match": {"verb": ["INSERT"]},
            "fault": {"type": "statement_error", "kind": "unique_violation"},
        }
    ],
    requests=400,
    reach=0.35,
    least=3,
    needs=["postgresql"],
    also={
        "dependency_error": "the request that meets the fault fails, too",
        "unmapped_error": "nobody catches what the driver raises",
    },
)
SESSIONS = 30  # more than the faults use up


class _Base(DeclarativeBase):
    pass


class _Order(_Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)


def defect() -> Flask:
    """Puts it back as it is."""
    app, pool = Flask(__name__), _pool()

    @app.post("/orders")
    def order():
        session = pool.get()
        try:
            session.add(_Order())
            session.commit()  # <- defect
        finally:
            pool.put(session)
        return jsonify(order="taken"), 201

    _about(app)
    return app


def twin() -> Flask:
    """Rolls back first, and says that it cannot now."""
    app, pool = Flask(__name__), _pool()

    @app.post("/orders")
    def order():
        session = pool.get()
        try:
            session.add(_Order())
            session.commit()
        except SQLAlchemyError:
            session.rollback()
            return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}
        finally:
            pool.put(session)
        return jsonify(order="taken"), 201

    _about(app)
    return app


def _pool() -> Queue:
    url = os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url, pool_size=SESSIONS, max_overflow=0)
    _Base.metadata.create_all(engine)
    pool: Queue = Queue()
    for _ in range(SESSIONS):
        pool.put(Session(engine))
    return pool


def _about(app: Flask) -> None:
    @app.get("/about")
    def about():
        return jsonify(name="shop")
