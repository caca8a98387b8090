"""The engine, a session for each request, and the schema that is made at start-up."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import current_app, g
from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

from . import catalogue
from .models import Base, Destination

if TYPE_CHECKING:
    from flask import Flask

LOCK_SECONDS = 15
SCHEMA_LOCK = 7_300_411  # any number that no other user of the same PostgreSQL database takes


def init_app(app: Flask) -> None:
    """Connect `app` to its database, and make the schema and the catalogue where they are missing."""
    engine = _engine(app.config["DATABASE_URL"])
    _prepare(engine, app.config["SEATS_PER_DESTINATION"])
    app.extensions["sessions"] = sessionmaker(engine, expire_on_commit=False)
    app.teardown_appcontext(_close)


def session() -> Session:
    """The current request's session, closed when the request ends."""
    if "session" not in g:
        g.session = current_app.extensions["sessions"]()
    opened: Session = g.session
    return opened


def _close(_error: BaseException | None) -> None:
    opened = g.pop("session", None)
    if opened is not None:
        opened.close()


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": LOCK_SECONDS})
    event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    """Let readers go on beside the one writer, and wait for a lock instead of failing at once."""
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _write_ahead(connection: Any) -> None:
    """Change to the write-ahead log; unlike a statement, this change does not wait for another worker's lock."""
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def _prepare(engine: Engine, seats: int) -> None:
    with engine.begin() as connection:
        _hold_schema(connection)
        Base.metadata.create_all(connection)
        if connection.scalar(select(Destination.slug).limit(1)) is None:
            connection.execute(insert(Destination), catalogue.rows(seats))


def _hold_schema(connection: Connection) -> None:
    """Make the workers of one server, which all start at once, prepare the database one after the other."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})")
