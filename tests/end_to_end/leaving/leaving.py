"""A service that holds something of every kind: pools of databases and of a cache, kept-alive connections, threads.

Its limits are short, and it answers whatever becomes of its calls.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress

import requests
import valkey
from flask import Flask, jsonify
from sqlalchemy import create_engine, exc, text

LIMITS = "-c statement_timeout=400 -c lock_timeout=200"
pg = create_engine(
    os.environ["DATABASE_URL"], pool_size=4, max_overflow=2, pool_timeout=0.2, connect_args={"options": LIMITS}
)
spare = create_engine(os.environ["DATABASE_URL"], pool_size=3, max_overflow=0, pool_timeout=0.2)
lite = create_engine(f"sqlite:///{os.environ['STOCK_FILE']}", pool_timeout=0.2, connect_args={"timeout": 0.1})
cache = valkey.Valkey(
    connection_pool=valkey.BlockingConnectionPool.from_url(
        os.environ["CACHE_URL"], max_connections=8, timeout=0.2, socket_timeout=0.2, socket_connect_timeout=0.2
    )
)
session = requests.Session()
together = threading.Barrier(64)
BASE = os.environ["FARES_URL"]


def create_app() -> Flask:
    """The application factory."""
    for engine, table in ((pg, "bookings"), (lite, "stock")):
        with engine.begin() as connection:
            connection.execute(text(f"CREATE TABLE IF NOT EXISTS {table} (id integer PRIMARY KEY, seats integer)"))
    app = Flask(__name__)
    for view in (bookings, stock, cached, fares, fill):
        app.add_url_rule(f"/{view.__name__}", view_func=view)
    app.add_url_rule("/spare", view_func=from_spare)
    return app


def bookings():
    """PostgreSQL."""
    return jsonify(failed=tried(lambda n: written(pg, "bookings", n)))


def from_spare():
    """PostgreSQL, by a pool that is used for nothing else."""

    def call(_):
        with spare.connect() as connection:
            connection.execute(text("SELECT 1"))

    return jsonify(failed=tried(call))


def stock():
    """SQLite."""
    return jsonify(failed=tried(lambda n: written(lite, "stock", n)))


def written(engine, table, number):
    """A transaction that reads and writes."""
    with engine.begin() as connection:
        connection.execute(text(f"SELECT count(*) FROM {table} WHERE id < {number}"))
        connection.execute(text(f"UPDATE {table} SET seats = seats + {number}"))


def cached():
    """Valkey."""

    def call(number):
        cache.set(f"fare:{number}", number)
        cache.get(f"fare:{number}")

    return jsonify(failed=tried(call))


def fares():
    """HTTP."""
    return jsonify(failed=tried(lambda n: session.get(f"{BASE}/fares/{n}", timeout=0.2).json()))


def tried(call):
    """Three calls; the names of the errors that came of them."""
    failed = []
    for number in range(3):
        try:
            call(number)
        except Exception as error:
            failed.append(type(error).__name__)
    return failed


def fill():
    """Keeps what it gets for a moment: with many at once, pools and threads become as many as they are allowed to."""
    together.wait(20)
    if "gevent.monkey" in sys.modules:
        fill_gevents_threads()
    with suppress(exc.TimeoutError), pg.connect() as connection:
        connection.execute(text("SELECT pg_sleep(0.1)"))
    with suppress(exc.TimeoutError), spare.connect():
        time.sleep(0.1)
    with suppress(exc.TimeoutError), lite.connect():
        time.sleep(0.1)
    with suppress(valkey.ConnectionError, valkey.TimeoutError):
        cache.blpop(["nothing"], 0.1)
    session.get(f"{BASE}/slow", timeout=10)
    return jsonify(filled=True)


def fill_gevents_threads():
    """Those for what is no greenlets' work; it starts them as they are needed, and keeps them."""
    import gevent
    from gevent.monkey import get_original

    pool = gevent.get_hub().threadpool
    if pool.size < pool.maxsize:
        for _ in range(pool.maxsize):
            pool.spawn(get_original("time", "sleep"), 0.05)
