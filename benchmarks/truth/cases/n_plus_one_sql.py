"""One statement for each item of a list: six times to the database and back, where one would do."""

from __future__ import annotations

import os

from flask import Flask, jsonify
from sqlalchemy import bindparam, create_engine, text
from sqlalchemy.exc import OperationalError

from benchmarks.truth.case import Case

CASE = Case(
    finder="n_plus_one",
    endpoints=["GET /items"],
    rules=[
        {
            "name": "stock-unread",
            "seam": "database",
            "match": {"verb": ["SELECT"]},
            "fault": {"type": "statement_error", "kind": "disconnect"},
            "persistence": "request",
        }
    ],
    needs=["sqlite"],
)
WANTED = ["lamp", "table", "chair", "shelf", "clock", "vase"]


def defect() -> Flask:
    """Asks for one after the other."""
    app, engine = _shop()

    @app.get("/items")
    def items():
        one, found = text("SELECT price FROM stock WHERE item = :item"), {}
        with engine.connect() as connection:
            for item in WANTED:
                found[item] = connection.execute(one, {"item": item}).scalar()  # <- defect
        return jsonify(found)

    return app


def twin() -> Flask:
    """Asks for all of them in one statement."""
    app, engine = _shop()

    @app.get("/items")
    def items():
        among = text("SELECT item, price FROM stock WHERE item IN :wanted").bindparams(
            bindparam("wanted", expanding=True)
        )
        with engine.connect() as connection:
            found = dict(connection.execute(among, {"wanted": WANTED}).tuples().all())
        return jsonify(found)

    return app


def _shop():
    app, engine = Flask(__name__), create_engine(os.environ["DATABASE_URL"])
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE stock (item text PRIMARY KEY, price integer)"))
        connection.execute(text("INSERT INTO stock VALUES (:item, 3)"), [{"item": item} for item in WANTED])

    @app.errorhandler(OperationalError)
    def unavailable(_: OperationalError):
        return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}

    return app, engine
