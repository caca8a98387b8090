"""An app with the database that `DATABASE_URL` names, for real servers: run by `python -m chaos_middleware.serve`."""

from __future__ import annotations

import json
import os
import time

from sqlalchemy import create_engine, exc, text

engine = create_engine(os.environ["DATABASE_URL"], pool_size=4, max_overflow=4, pool_timeout=0.4)


def app(environ, start_response):
    """`/idle` asks nothing, `/TABLE` counts its rows, others write to `bookings`; answers with what came, the seconds
    it took, and the process.
    """
    started = time.monotonic()
    path = environ["PATH_INFO"]
    try:
        found = None if path == "/idle" else work(path)
    except exc.SQLAlchemyError as error:
        found = type(getattr(error, "orig", None) or error).__name__
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([found, time.monotonic() - started, os.getpid()]).encode()]


def work(path):
    """The number of rows, or "written"."""
    with engine.begin() as connection:
        if path == "/bookings":
            return connection.scalar(text("SELECT count(*) FROM bookings"))
        connection.execute(text("UPDATE bookings SET seats = seats + 1"))
        return "written"
