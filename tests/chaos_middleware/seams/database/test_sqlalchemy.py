"""SQLAlchemy over SQLite: Core, ORM and Flask-SQLAlchemy; what only a server can show is in test_postgresql.py."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import suppress

import flask
import pytest
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Integer, String, create_engine, event, exc, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from chaos_middleware import injected_by
from chaos_middleware.request import current
from chaos_middleware.seams.database import pool

NOOP = {"rate": 0, "fault": {"type": "noop"}}


class Base(DeclarativeBase):
    pass


class Booking(Base):
    __tablename__ = "bookings"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String)
    seats: Mapped[int | None] = mapped_column(Integer)


@pytest.fixture
def engine(file):
    """An engine that has connections from before the middleware."""
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    yield engine
    engine.dispose()


def test_no_call_is_counted_twice(chaos, engine):
    """Checkout, statement, commit, and nothing from the driver below, on connections old and new."""
    app = chaos(NOOP)

    def view():
        with engine.begin() as one, engine.connect() as two:
            one.execute(text("UPDATE bookings SET seats = 3"))
            two.exec_driver_sql("SELECT 1")

    app.run(view)
    assert app.verbs() == ["CHECKOUT", "CHECKOUT", "UPDATE", "SELECT", "ROLLBACK", "COMMIT"]


def test_what_sets_a_connection_up_belongs_to_its_checkout(chaos, file):
    """A listener's statements on a new connection are no calls of the request that happened to need it."""
    app = chaos({"match": {"verb": ["*"]}, "fault": {"type": "noop"}})
    engine = create_engine(f"sqlite:///{file}", pool_pre_ping=True)
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))

    def view():
        with engine.connect() as connection:
            return connection.scalar(text("PRAGMA foreign_keys"))

    assert app.run(view) == 1
    assert app.verbs() == ["CHECKOUT", "PRAGMA", "ROLLBACK"]


def test_the_orm_is_seen_with_the_apps_own_line(chaos, engine):
    """A flush and a query of a session, at the lines that caused them."""
    app = chaos(NOOP)

    def view():
        with Session(engine) as session:
            session.add(Booking(name="eve"))
            session.commit()
            return session.scalars(select(Booking.name).where(Booking.name == "eve")).all()

    assert app.run(view) == ["eve"]
    calls = app.records("call")
    lines = [call["site"]["line"] - view.__code__.co_firstlineno for call in calls]
    assert app.verbs() == ["CHECKOUT", "INSERT", "COMMIT", "CHECKOUT", "SELECT", "ROLLBACK"]
    assert lines[:5] == [3, 3, 3, 4, 4]
    assert {call["site"]["function"].rpartition(".")[2] for call in calls} == {"view"}


def test_an_items_own_statement_is_told_from_the_next_items(chaos, engine):
    """Row for row by its number: one target, other values."""
    app = chaos(NOOP)

    def view():
        with Session(engine) as session:
            for number in (1, 2, 2):
                session.expire_all()
                session.get(Booking, number)

    app.run(view)
    reads = [(call["target"], call["values"]) for call in app.records("call") if call["target"].startswith("SELECT")]
    assert len({target for target, _ in reads}) == 1
    assert [values == reads[-1][1] for _, values in reads] == [False, True, True]


def test_an_error_is_wrapped_as_the_drivers_own_is(chaos, engine):
    """`sqlalchemy.exc.OperationalError` around sqlite3's, with the event behind it."""
    app = chaos({"match": {"table": ["bookings"]}, "fault": {"type": "statement_error", "kind": "locked"}})

    def view():
        with engine.connect() as connection:
            connection.execute(text("SELECT * FROM bookings"))

    error, _ = app.timed(view)
    assert type(error) is exc.OperationalError
    assert type(error.orig) is sqlite3.OperationalError
    assert injected_by(error) == app.records("fault")[0]["id"]


def test_a_failed_flush_is_rolled_back_as_ever(chaos, engine):
    """The session asks for its rollback after an injected error; then it works again."""
    rule = {"match": {"verb": ["INSERT"]}, "gate": {"first": 1}, "fault": {"type": "statement_error", "kind": "locked"}}
    app = chaos(rule)

    def view():
        with Session(engine) as session:
            session.add(Booking(name="eve"))
            with pytest.raises(exc.OperationalError):
                session.commit()
            session.rollback()
            session.add(Booking(name="eve"))
            session.commit()

    app.run(view)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM bookings WHERE name = 'eve'")) == 1


@pytest.mark.parametrize("rolled_back", [False, True])
def test_a_session_that_refuses_is_noted_at_the_apps_line(chaos, engine, rolled_back):
    """It asks the database nothing, so nothing else would tell why the request failed; one rolled back works on."""
    rule = {"match": {"verb": ["INSERT"]}, "gate": {"first": 1}, "fault": {"type": "statement_error", "kind": "locked"}}
    app, session = chaos(rule), Session(engine)

    def add():
        session.add(Booking(name="eve"))
        with pytest.raises(exc.OperationalError):
            session.flush()
        if rolled_back:
            session.rollback()

    def count():
        return session.scalar(text("SELECT count(*) FROM bookings"))

    app.run(add)
    refused = exc.PendingRollbackError("made by hand, where there is no request")
    if rolled_back:
        assert app.run(count, "2.0.0") == 2
    else:
        with pytest.raises(type(refused)):
            app.run(count, "2.0.0")
    session.close()
    noted = [record for record in app.records("call") if record["key"] == "2.0.0"]
    told = [(record["target"], record["error"], record["site"]["function"].rpartition(".")[2]) for record in noted]
    refusal = ("SESSION sqlalchemy", "PendingRollbackError", "count")
    assert (refusal in told, len(told)) == ((False, 2) if rolled_back else (True, 1))


@pytest.mark.parametrize(("phase", "rows"), [("before", 2), ("after", 3)])
def test_a_commit_that_fails_or_whose_answer_is_lost(chaos, engine, phase, rows):
    """Before: nothing is stored. After: it is stored, and the app does not know."""
    app = chaos(
        {"match": {"verb": ["COMMIT"]}, "phase": phase, "fault": {"type": "statement_error", "kind": "disconnect"}}
    )

    def view():
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO bookings (name) VALUES ('eve')"))

    error, _ = app.timed(view)
    assert type(error) is exc.OperationalError
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM bookings")) == rows


def test_an_exhausted_pool_has_no_more_open_afterwards(chaos, file):
    """Those that were opened to be taken are closed, if nobody needs them; the others lie there again."""
    app = chaos({"fault": {"type": "pool_exhaustion", "seconds": 0.2}})
    engine = create_engine(f"sqlite:///{file}", pool_size=3, max_overflow=2)
    opened, closed = [], []
    event.listen(engine, "connect", lambda connection, _: opened.append(connection))
    event.listen(engine, "close", lambda connection, _: closed.append(connection))
    with engine.connect(), engine.connect():
        pass
    app.run(lambda: engine.connect().close())
    until = time.monotonic() + 5
    settled = 3, 5, 2, 0
    while (left := (len(closed), len(opened), engine.pool.checkedin(), engine.pool.checkedout())) != settled:
        assert time.monotonic() < until, left  # closing the third and counting it as gone are two steps
        time.sleep(0.01)
    with engine.connect(), engine.connect():
        assert len(opened) == 5
    engine.dispose()


def test_exhaustions_of_one_pool_leave_no_more_open_together(chaos, file):
    """One that begins while another holds all takes what that gives back, and gives it back in its turn."""
    app = chaos({"fault": {"type": "pool_exhaustion", "seconds": 0.5}})
    engine = create_engine(f"sqlite:///{file}", pool_size=3, max_overflow=0, pool_timeout=0.1)
    opened, closed = [], []
    event.listen(engine, "connect", lambda connection, _: opened.append(connection))
    event.listen(engine, "close", lambda connection, _: closed.append(connection))
    engine.connect().close()
    for key in ("1.0.0", "2.0.0"):  # the second waits for a second
        with suppress(exc.TimeoutError):
            app.run(lambda: engine.connect().close(), key=key)
    until = time.monotonic() + 5
    while any(thread.name == "chaos pool_exhaustion" for thread in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert len(opened) - len(closed) == engine.pool.checkedin() == 1
    first, second = (end["measured"]["did"] for end in app.records("end"))
    assert first == "3 of 3 connections held for 0.5 s"
    assert second != "0 of 3 connections held for 0.5 s"
    engine.dispose()


def test_a_limit_of_the_apps_own_in_mid_exhaustion_leaves_the_pool_whole(chaos, file, monkeypatch):
    """As `gevent.Timeout`, which is no Exception: what was taken until then is given back at once."""
    app = chaos({"fault": {"type": "pool_exhaustion", "seconds": 60}})
    engine = create_engine(f"sqlite:///{file}", pool_size=3, max_overflow=0)
    take, taken = pool._take, []

    def interrupted(*args):
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(take(*args))
        return taken[-1]

    monkeypatch.setattr(pool, "_take", interrupted)
    with pytest.raises(KeyboardInterrupt):
        app.run(lambda: engine.connect().close())
    assert len(taken) == 2
    assert engine.pool.checkedout() == 0
    with engine.connect(), engine.connect(), engine.connect():
        pass
    engine.dispose()


def test_who_outlives_a_request_is_not_kept_in_mind_for_ever(chaos, engine):
    """A thread that a request has started goes on: its calls are noted nowhere, and held by nobody."""
    app = chaos(NOOP, share=0)
    requests, go_on = [], threading.Event()

    def work():
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def later():
        go_on.wait(10)
        for _ in range(10):
            work()

    def view():
        for _ in range(3):
            work()
        requests.append(current.get())
        thread = threading.Thread(target=later)
        thread.start()
        return thread

    thread = app.run(view)
    go_on.set()
    thread.join()
    assert requests[0].calls == []


def test_a_delay_at_the_checkout(chaos, engine):
    """`latency` with the verb CHECKOUT; statements then are not delayed."""
    app = chaos({"match": {"verb": ["CHECKOUT"]}, "fault": {"type": "latency", "seconds": 0.2}})

    def view():
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    _, seconds = app.timed(view)
    assert 0.2 <= seconds < 0.6
    assert [fault["target"] for fault in app.records("fault")] == ["CHECKOUT sqlite"]


def test_rules_match_on_text_and_engine(chaos, engine):
    """`statement` is the text with single blanks; `engine` the dialect's name."""
    rules = [
        {"name": "text", "match": {"statement": ["SELECT seats FROM *"]}, "fault": {"type": "noop"}},
        {"name": "engine", "match": {"engine": ["postgresql"]}, "fault": {"type": "noop"}},
    ]
    app = chaos(*rules)

    def view():
        with engine.connect() as connection:
            connection.execute(text("SELECT  seats\n FROM bookings"))
            connection.execute(text("SELECT name FROM bookings"))

    app.run(view)
    assert [fault["rule"] for fault in app.records("fault")] == ["text"]


def test_flask_sqlalchemy(chaos, file):
    """Its session's calls are seen where the app makes them, and its teardown works after a fault."""
    flask_app = flask.Flask("shop")
    flask_app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{file}"
    db = SQLAlchemy(flask_app)
    rule = {
        "match": {"table": ["bookings"]},
        "gate": {"first": 1},
        "fault": {"type": "statement_error", "kind": "locked"},
    }
    app = chaos(rule)

    @flask_app.get("/")
    def page():
        return str(db.session.execute(text("SELECT count(*) FROM bookings")).scalar())

    client = flask_app.test_client()
    assert app.run(lambda: client.get("/").status_code) == 500
    assert app.run(lambda: client.get("/").text) == "2"
    assert app.records("fault")[0]["site"]["function"].endswith("page")


def test_uninstall_restores_the_very_methods(chaos):
    """Of the dialects, also of one whose class has two names in its module, of the pools, and of what is refused."""
    from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
    from sqlalchemy.engine.default import DefaultDialect
    from sqlalchemy.pool.base import Pool

    names = ("connect", "do_execute", "do_executemany", "do_execute_no_params", "do_commit", "do_rollback")

    def methods():
        own = [vars(PGDialect_psycopg2)["do_executemany"], vars(Pool)["connect"], exc.PendingRollbackError.__init__]
        return [vars(DefaultDialect)[name] for name in names] + own

    before = methods()
    app = chaos()
    assert not set(methods()) & set(before)
    app.middleware.uninstall()
    assert methods() == before
    assert "__init__" not in vars(exc.PendingRollbackError)
