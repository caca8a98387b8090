"""Sessions of SQLAlchemy that live as long as the service and are never rolled back, beside others that are right: a
block ends each of those, and their faults are the later ones.
"""

from __future__ import annotations

import os
from queue import Queue

from flask import Flask, jsonify
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.truth.case import Case

CASE = Case(
    finder="no_rollback",
    endpoints=["GET /top", "POST /orders"],
    rules=[
        {
            "name": "report-cut",
            "seam": "database",
            "rate": 0.2,
            "match": {"verb": ["SELECT"]},
            "fault": {"type": "statement_error", "kind": "disconnect"},
        },
        {
            "name": "order-refused",
            "seam": "database",
            "rate": 0.3,
            "match": {"verb": ["INSERT"]},
            "fault": {"type": "statement_error", "kind": "unique_violation"},
        },
    ],
    requests=600,
    lethal=["report-cut"],
    reach=0.2,
    least=3,
    needs=["postgresql"],
    also={"dependency_error": "the request that meets the fault fails, too"},
)
SESSIONS = 30  # more than the faults use up


class _Base(DeclarativeBase):
    pass


class _Order(_Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)


def defect() -> Flask:
    """Tells of the error, and puts the session back as it is."""
    app, engine = Flask(__name__), _engine()
    sessions = _sessions(engine)

    @app.get("/top")
    def top():
        session = sessions.get()
        try:
            orders = session.scalar(select(func.count(_Order.id)))  # <- defect; mended by: rollback
            session.commit()
        except SQLAlchemyError:
            return jsonify(error="the report could not be made"), 500
        finally:
            sessions.put(session)
        return jsonify(orders=orders)

    _orders(app, engine)
    return app


def twin() -> Flask:
    """Rolls back first, and says that it cannot now."""
    app, engine = Flask(__name__), _engine()
    sessions = _sessions(engine)

    @app.get("/top")
    def top():
        session = sessions.get()
        try:
            orders = session.scalar(select(func.count(_Order.id)))
            session.commit()
        except SQLAlchemyError:
            session.rollback()
            return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}
        finally:
            sessions.put(session)
        return jsonify(orders=orders)

    _orders(app, engine)
    return app


def _engine() -> Engine:
    url = os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url, pool_size=SESSIONS + 12)  # and one for each user
    _Base.metadata.create_all(engine)
    return engine


def _sessions(engine: Engine) -> Queue:
    sessions: Queue = Queue()
    for _ in range(SESSIONS):
        sessions.put(Session(engine))
    return sessions


def _orders(app: Flask, engine: Engine) -> None:
    """A session for each request, rolled back by its block."""

    @app.post("/orders")
    def order():
        try:
            with Session(engine) as session, session.begin():
                session.add(_Order())
        except SQLAlchemyError:
            return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}
        return jsonify(order="taken"), 201
