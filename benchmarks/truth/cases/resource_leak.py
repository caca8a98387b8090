"""A hand-made pool that forgets a connection when a call on it fails: each fault costs one, for good."""

from __future__ import annotations

import json
import os
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="resource_leak",
    endpoints=["GET /items"],
    rules=[http_rule("stock-reset", {"type": "connection_reset"}, rate=0.4)],
    requests=500,
    least=100,  # fewer may leave no more behind than pools keep
)


def defect() -> Flask:
    """Keeps in its books what it lent, and gets nothing back from a call that failed."""
    app, free, lent = Flask(__name__), [], set()

    @app.get("/items")
    def items():
        connection = _one_of(free)
        lent.add(connection)
        try:
            connection.request("GET", "/stock")  # <- defect
            stock = json.load(connection.getresponse())
        except (OSError, HTTPException):
            return jsonify(items=[], degraded=True)
        lent.remove(connection)
        free.append(connection)
        return jsonify(stock)

    return app


def twin() -> Flask:
    """Closes it then."""
    app, free, lent = Flask(__name__), [], set()

    @app.get("/items")
    def items():
        connection = _one_of(free)
        lent.add(connection)
        try:
            connection.request("GET", "/stock")
            stock = json.load(connection.getresponse())
        except (OSError, HTTPException):
            connection.close()
            return jsonify(items=[], degraded=True)
        finally:
            lent.remove(connection)
        free.append(connection)
        return jsonify(stock)

    return app


def _one_of(free: list[HTTPConnection]) -> HTTPConnection:
    try:
        return free.pop()
    except IndexError:
        connection = HTTPConnection(urlsplit(os.environ["DEPENDENCY_URL"]).netloc, timeout=1)
        connection.connect()
        return connection
