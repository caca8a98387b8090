"""An ORM asks for the children of each item when they are first looked at: by a number, so that only values differ."""

from __future__ import annotations

import os

from flask import Flask, jsonify
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

from benchmarks.truth.case import Case

CASE = Case(
    finder="n_plus_one",
    endpoints=["GET /orders"],
    rules=[
        {
            "name": "lines-unread",
            "seam": "database",
            "match": {"table": ["line"]},
            "fault": {"type": "statement_error", "kind": "disconnect"},
            "persistence": "request",
        }
    ],
    needs=["sqlite"],
)
ORDERS = 6


class _Base(DeclarativeBase):
    pass


class _Line(_Base):
    __tablename__ = "line"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    item: Mapped[str]


class _Order(_Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    lines: Mapped[list[_Line]] = relationship()


def defect() -> Flask:
    """Looks at the lines of each order, and has them loaded one order after the other."""
    app, engine = _shop()

    @app.get("/orders")
    def orders():
        found = {}
        with Session(engine) as session:
            for order in session.scalars(select(_Order)).all():
                found[order.id] = [line.item for line in order.lines]  # <- defect
        return jsonify(found)

    return app


def defect_on_one_line() -> Flask:
    """The same in one expression, in which the orders are asked for, too."""
    app, engine = _shop()

    @app.get("/orders")
    def orders():
        with Session(engine) as session:
            return jsonify([len(order.lines) for order in session.query(_Order)])  # <- defect

    return app


def twin() -> Flask:
    """Has the lines of all orders loaded by one statement."""
    app, engine = _shop()

    @app.get("/orders")
    def orders():
        every = select(_Order).options(selectinload(_Order.lines))
        with Session(engine) as session:
            found = {order.id: [line.item for line in order.lines] for order in session.scalars(every).all()}
        return jsonify(found)

    return app


def twin_poll() -> Flask:
    """Asks for the same order again and again, as one that waits for something does."""
    app, engine = _shop()

    @app.get("/orders")
    def orders():
        lines = select(_Line.item).where(_Line.order_id == 1)
        with Session(engine) as session:
            for _ in range(ORDERS):
                found = session.scalars(lines).all()
        return jsonify(found)

    return app


def _shop():
    app, engine = Flask(__name__), create_engine(os.environ["DATABASE_URL"])
    _Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add_all(_Order(lines=[_Line(item="lamp"), _Line(item="vase")]) for _ in range(ORDERS))

    @app.errorhandler(OperationalError)
    def unavailable(_: OperationalError):
        return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}

    return app, engine
