"""A real PostgreSQL 18: by psycopg 3 and psycopg2, bare and under SQLAlchemy."""

from __future__ import annotations

import threading
import time

import psycopg
import psycopg.errors
import psycopg2
import psycopg2.errors
import psycopg2.extras
import pytest
from psycopg import sql
from sqlalchemy import create_engine, exc, text

from chaos_middleware import injected_by

DRIVERS = {"psycopg": psycopg, "psycopg2": psycopg2}
NOOP = {"rate": 0, "fault": {"type": "noop"}}
COUNT = "SELECT count(*) FROM bookings"


@pytest.fixture(params=DRIVERS)
def driver(request):
    """psycopg 3, psycopg2."""
    return DRIVERS[request.param]


@pytest.fixture
def engine(request, bookings, driver):
    """SQLAlchemy's engine, with a pool of one connection and 0.4 s to wait for it."""
    engine = create_engine(bookings.url(driver.__name__), pool_size=1, max_overflow=1, pool_timeout=0.4)
    yield engine
    engine.dispose()


def error_rule(kind, **match):
    """A rule for a `statement_error`."""
    return {"match": match, "fault": {"type": "statement_error", "kind": kind}}


def given_back(app, engine):
    """Uninstall, and wait until the pool has its connections again."""
    app.middleware.uninstall()
    until = time.monotonic() + 2
    while engine.pool.checkedout():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_each_call_of_a_bare_driver_is_noted(chaos, bookings, driver):
    """Statements, many rows at once, commit and rollback, and the ends of blocks; none of them twice."""
    app = chaos(NOOP)

    def view():
        with driver.connect(bookings.dsn) as connection:
            cursor = connection.cursor()
            cursor.execute("UPDATE bookings SET seats = %s", (3,))
            cursor.executemany("INSERT INTO bookings (name) VALUES (%s)", [("c",), ("d",)])
            connection.rollback()
            cursor.execute(COUNT)
            count = cursor.fetchone()
        connection.close()
        return count

    assert app.run(view) == (2,)
    assert app.verbs() == ["UPDATE", "INSERT", "ROLLBACK", "SELECT", "COMMIT"]
    assert {call["site"]["function"].rpartition(".")[2] for call in app.records("call")} == {"view"}


def test_transaction_blocks_of_psycopg_3(chaos, bookings):
    """Their ends are a commit or a rollback; a nested one's are none. A composed statement has its text."""
    app = chaos(NOOP)

    def view():
        with psycopg.connect(bookings.dsn, autocommit=True) as connection:
            with connection.transaction(), connection.transaction():
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier("bookings")))
            with connection.transaction(force_rollback=True):
                connection.execute(b"DELETE FROM bookings")

    app.run(view)
    assert app.verbs()[:4] == ["DELETE", "COMMIT", "DELETE", "ROLLBACK"]
    assert app.records("call")[0]["target"].startswith("DELETE bookings ")


def test_the_callers_own_classes_are_kept_with_psycopg2(chaos, bookings):
    """Factories of connections and cursors, and named cursors."""
    app = chaos(NOOP)

    class Mine(psycopg2.extensions.connection):
        pass

    def view():
        plain = psycopg2.connect(bookings.dsn, cursor_factory=psycopg2.extras.RealDictCursor)
        mine = psycopg2.connect(bookings.dsn, connection_factory=Mine)
        assert isinstance(mine, Mine)
        cursor = plain.cursor()
        cursor.execute(COUNT)
        assert cursor.fetchone() == {"count": 2}
        named = mine.cursor("here", cursor_factory=psycopg2.extras.DictCursor)
        named.execute("SELECT name FROM bookings ORDER BY id")
        assert [row["name"] for row in named] == ["ada", "bob"]
        psycopg2.extras.execute_values(mine.cursor(), "INSERT INTO bookings (name) VALUES %s", [("x",)])
        for each in (plain, mine):
            each.close()

    app.run(view)
    assert app.verbs() == ["SELECT", "SELECT", "INSERT"]


@pytest.mark.parametrize(
    "expected",
    [
        ("serialization_failure", "SerializationFailure", "40001"),
        ("deadlock", "DeadlockDetected", "40P01"),
        ("locked", "LockNotAvailable", "55P03"),
        ("statement_timeout", "QueryCanceled", "57014"),
        ("unique_violation", "UniqueViolation", "23505"),
        ("read_only", "ReadOnlySqlTransaction", "25006"),
        ("disk_full", "DiskFull", "53100"),
    ],
)
def test_the_server_raises_the_error(chaos, bookings, driver, expected):
    """The driver's class for the SQLSTATE; the statement is not executed."""
    kind, name, state = expected
    app = chaos(error_rule(kind, verb=["UPDATE"]))

    def view():
        with driver.connect(bookings.dsn) as connection:
            connection.cursor().execute("UPDATE bookings SET seats = 0")

    error, _ = app.timed(view)
    assert type(error) is getattr(driver.errors, name)
    assert getattr(error, "sqlstate", None) or error.pgcode == state
    assert injected_by(error) == app.records("fault")[0]["id"]
    assert bookings.ask("SELECT sum(seats) FROM bookings") == [(3,)]


def test_the_failed_transaction_is_real(chaos, bookings, driver):
    """What comes next without a rollback fails by itself, and is not blamed on the fault; after it all is well."""
    app = chaos({**error_rule("deadlock", verb=["UPDATE"]), "persistence": "request"})

    def view():
        connection = driver.connect(bookings.dsn)
        cursor = connection.cursor()
        for expected in (driver.errors.DeadlockDetected, driver.errors.InFailedSqlTransaction):
            with pytest.raises(expected) as info:
                cursor.execute("UPDATE bookings SET seats = 0")
        connection.rollback()
        cursor.execute(COUNT)
        connection.close()
        return info.value

    assert injected_by(app.run(view)) is None
    assert [end["measured"]["did"] for end in app.records("end")] == ["DeadlockDetected", "unsupported"]


def test_a_commit_that_fails_has_ended_its_transaction(chaos, engine, bookings):
    """A serialization failure at the commit: nothing is stored, and the connection goes back into the pool."""
    app = chaos(error_rule("serialization_failure", verb=["COMMIT"]))

    def view():
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM bookings"))

    error, _ = app.timed(view)
    assert type(error) is exc.OperationalError
    assert bookings.ask(COUNT) == [(2,)]
    assert engine.pool.checkedin() == 1


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_disconnect_is_found_out_by_the_driver(chaos, engine, bookings, phase):
    """The socket is really dead: SQLAlchemy throws the connection away, and the next one works."""
    app = chaos({**error_rule("disconnect", verb=["SELECT"]), "phase": phase})

    def view():
        with engine.connect() as connection:
            connection.execute(text(COUNT))

    error, _ = app.timed(view)
    assert type(error) is exc.OperationalError
    assert error.connection_invalidated
    assert injected_by(error) == app.records("fault")[0]["id"]
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


@pytest.mark.parametrize(("phase", "left"), [("before", 2), ("after", 0)])
def test_a_commit_whose_answer_is_lost(chaos, engine, bookings, phase, left):
    """Before: the server never hears of it, and rolls back. After: it is stored, and the app cannot know."""
    app = chaos({**error_rule("disconnect", verb=["COMMIT"]), "phase": phase})

    def view():
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM bookings"))

    error, _ = app.timed(view)
    assert type(error) is exc.OperationalError
    assert bookings.ask(COUNT) == [(left,)]


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_disconnect_of_a_bare_driver(chaos, bookings, driver, phase):
    """The driver's own OperationalError, at the commit."""
    app = chaos({**error_rule("disconnect", verb=["COMMIT"]), "phase": phase})

    def view():
        connection = driver.connect(bookings.dsn)
        connection.cursor().execute("DELETE FROM bookings")
        connection.commit()

    error, _ = app.timed(view)
    assert isinstance(error, driver.OperationalError)
    assert injected_by(error) == app.records("fault")[0]["id"]
    assert bookings.ask(COUNT) == [(2 if phase == "before" else 0,)]


def test_statement_timeout_ends_a_slow_statement(chaos, bookings, driver):
    """20 s of a statement with `statement_timeout` 300 ms are the server's QueryCanceled at 0.3 s."""
    app = chaos({"match": {"verb": ["SELECT"]}, "fault": {"type": "slow_statement", "seconds": 20}})

    def view():
        connection = driver.connect(bookings.dsn + " options='-c statement_timeout=300'")
        connection.cursor().execute(COUNT)

    error, seconds = app.timed(view)
    assert type(error) is driver.errors.QueryCanceled
    assert str(error).splitlines()[0] == "canceling statement due to statement timeout"
    assert 0.3 <= seconds < 1.5
    assert injected_by(error) == app.records("fault")[0]["id"]


def test_a_slow_statement_with_another_kind_of_cursor(chaos, bookings):
    """Also where the connection's own cursors have placeholders of their own."""
    app = chaos({"match": {"verb": ["SELECT"]}, "fault": {"type": "slow_statement", "seconds": 0.1}})

    def view():
        with psycopg.connect(bookings.dsn, cursor_factory=psycopg.RawCursor) as connection:
            connection.execute("SELECT name FROM bookings WHERE id = $1", (1,))
        connection.close()

    error, seconds = app.timed(view)
    assert error is None
    assert seconds >= 0.1


def test_after_a_commit_a_slow_statement_leaves_no_transaction(chaos, bookings, driver):
    """The connection is as idle as it is after any commit."""
    app = chaos({"phase": "after", "match": {"verb": ["COMMIT"]}, "fault": {"type": "slow_statement", "seconds": 0.1}})

    def view():
        connection = driver.connect(bookings.dsn)
        connection.cursor().execute("UPDATE bookings SET seats = 9")
        connection.commit()
        status = connection.info.transaction_status
        connection.close()
        return status

    assert app.run(view) == 0
    assert app.records("end")[0]["measured"]["seconds"] >= 0.1


def test_a_block_whose_commit_fails_fails_with_that(chaos, bookings, driver):
    """`with connection:` raises the error of the commit, not that of a rollback on a connection that is gone."""
    app = chaos(error_rule("disconnect", verb=["COMMIT"]))

    def view():
        with driver.connect(bookings.dsn) as connection:
            connection.cursor().execute("UPDATE bookings SET seats = 9")

    error, _ = app.timed(view)
    assert type(error) is driver.OperationalError
    assert injected_by(error) == app.records("fault")[0]["id"]


@pytest.mark.parametrize("autocommit", [False, True])
def test_a_slow_statement_takes_as_long_as_asked(chaos, bookings, driver, autocommit):
    """Asked 0.3 s, measured 0.3 s by the server; then the statement is executed, within or without a transaction."""
    app = chaos({"fault": {"type": "slow_statement", "seconds": 0.3}})

    def view():
        connection = driver.connect(bookings.dsn)
        connection.autocommit = autocommit
        cursor = connection.cursor()
        cursor.execute("DELETE FROM bookings")
        connection.commit()
        connection.close()

    assert app.timed(view)[0] is None
    assert 0.3 <= app.records("end")[0]["measured"]["seconds"] < 0.8
    assert bookings.ask(COUNT) == [(0,)]


@pytest.mark.parametrize("autocommit", [False, True])
def test_the_kill_switch_ends_a_slow_statement(chaos, bookings, driver, autocommit):
    """The server is told to stop at once; the transaction lives on, and the statement is executed."""
    app = chaos({"match": {"verb": ["DELETE"]}, "fault": {"type": "slow_statement", "seconds": 20}})
    timer = threading.Timer(0.3, app.middleware.injector.control.stop)

    def view():
        connection = driver.connect(bookings.dsn)
        connection.autocommit = autocommit
        connection.cursor().execute("INSERT INTO bookings (name) VALUES ('eve')")
        timer.start()
        connection.cursor().execute("DELETE FROM bookings WHERE name = 'ada'")
        connection.commit()
        connection.close()

    error, seconds = app.timed(view)
    timer.join()
    assert error is None
    assert seconds < 3
    assert bookings.ask("SELECT name FROM bookings ORDER BY id") == [("bob",), ("eve",)]


def test_lock_contention_is_a_real_lock(chaos, bookings, driver):
    """A statement waits as long as the lock is held; the lock shows in the server, and is gone then."""
    app = chaos({"match": {"verb": ["UPDATE"]}, "fault": {"type": "lock_contention", "seconds": 0.5}})
    seen = []

    def look():
        seen.append(bookings.ask("SELECT mode FROM pg_locks WHERE relation = 'bookings'::regclass AND granted"))

    timer = threading.Timer(0.25, look)
    timer.start()

    def view():
        with driver.connect(bookings.dsn) as connection:
            connection.cursor().execute("UPDATE bookings SET seats = 9")
        connection.close()

    error, seconds = app.timed(view)
    timer.join()
    assert error is None
    assert 0.4 <= seconds < 1.5
    assert seen == [[("AccessExclusiveLock",)]]
    assert bookings.ask("SELECT sum(seats) FROM bookings") == [(18,)]
    assert app.records("end")[0]["measured"]["did"] == "ACCESS EXCLUSIVE on bookings for 0.5 s"


def test_the_apps_own_limit_ends_the_wait_for_a_lock(chaos, bookings, driver):
    """`lock_timeout` 200 ms against a lock of 20 s; the kill switch then gives the lock back."""
    app = chaos({"match": {"verb": ["UPDATE"]}, "fault": {"type": "lock_contention", "seconds": 20}})

    def view():
        connection = driver.connect(bookings.dsn + " options='-c lock_timeout=200'")
        connection.cursor().execute("UPDATE bookings SET seats = 9")

    error, seconds = app.timed(view)
    assert type(error) is driver.errors.LockNotAvailable
    assert 0.2 <= seconds < 1.5
    assert injected_by(error) == app.records("fault")[0]["id"]
    with pytest.raises(psycopg.errors.LockNotAvailable):
        bookings.ask("SET lock_timeout = 50; SELECT * FROM bookings")
    app.middleware.uninstall()
    until = time.monotonic() + 2
    while bookings.ask("SELECT count(*) FROM pg_locks WHERE relation = 'bookings'::regclass") != [(0,)]:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_lock_is_held_whatever_limits_the_role_has(chaos, bookings, driver):
    """A server that ends transactions which idle for 100 ms does not end the fault before its time."""
    app = chaos({"match": {"verb": ["UPDATE"]}, "fault": {"type": "lock_contention", "seconds": 0.6}})
    limits = "-c idle_in_transaction_session_timeout=100 -c statement_timeout=5000"

    def view():
        with driver.connect(bookings.dsn, options=limits) as connection:
            connection.cursor().execute("UPDATE bookings SET seats = 9")
        connection.close()

    error, seconds = app.timed(view)
    assert error is None
    assert seconds >= 0.5


def test_a_lock_that_the_transaction_holds_itself_cannot_be_taken(chaos, bookings, driver):
    """After a read the writers' lock still can, after a write none; the note says so."""
    app = chaos({"match": {"verb": ["UPDATE"]}, "fault": {"type": "lock_contention", "seconds": 0.2}})

    def view():
        with driver.connect(bookings.dsn) as connection:
            cursor = connection.cursor()
            cursor.execute(COUNT)
            cursor.execute("UPDATE bookings SET seats = 9")
            cursor.execute("UPDATE bookings SET seats = 8")
        connection.close()

    assert app.timed(view)[0] is None
    assert [end["measured"]["did"] for end in app.records("end")] == ["EXCLUSIVE on bookings for 0.2 s", "unsupported"]
    assert "the request's own transaction holds bookings already" in app.records("note")[0]["text"]


def test_pool_timeout_ends_the_wait_for_a_connection(chaos, engine, bookings):
    """Every connection of the pool is really open and taken: SQLAlchemy's TimeoutError after `pool_timeout`."""
    app = chaos({"fault": {"type": "pool_exhaustion", "seconds": 20}})
    before = bookings.connections()

    def view():
        with engine.connect() as connection:
            connection.execute(text(COUNT))

    error, seconds = app.timed(view)
    assert type(error) is exc.TimeoutError
    assert 0.4 <= seconds < 1.5
    assert injected_by(error) == app.records("fault")[0]["id"]
    assert app.records("end")[0]["measured"]["did"] == "2 of 2 connections held for 20 s"
    assert bookings.connections() - before == 2
    given_back(app, engine)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_an_exhausted_pool_is_given_back_in_time(chaos, engine):
    """Held for less than `pool_timeout`, it is a wait."""
    app = chaos({"fault": {"type": "pool_exhaustion", "seconds": 0.2}})
    error, seconds = app.timed(lambda: engine.connect().close())
    assert error is None
    assert 0.2 <= seconds < 1


def test_connections_of_other_requests_are_waited_for(chaos, engine, bookings):
    """A connection in use at the moment is taken when its request gives it back, and not by the one that is faulted."""
    app = chaos({"fault": {"type": "pool_exhaustion", "seconds": 5}})
    busy = engine.connect()
    timer = threading.Timer(0.2, busy.close)
    timer.start()
    error, seconds = app.timed(lambda: engine.connect().close())
    timer.join()
    assert type(error) is exc.TimeoutError
    assert 0.5 <= seconds < 2
    given_back(app, engine)


def test_stale_connections(chaos, engine, bookings):
    """The server ends what lies in the pool: the next statement fails with its own error, the one after works."""
    app = chaos({"gate": {"first": 1}, "fault": {"type": "stale_connections"}})
    with engine.connect(), engine.connect():
        pass

    def view():
        with engine.connect() as connection:
            connection.execute(text(COUNT))

    error, _ = app.timed(view)
    assert type(error) is exc.OperationalError
    assert error.connection_invalidated
    assert injected_by(error) == app.records("fault")[0]["id"]
    assert app.records("end")[0]["measured"]["did"] == "1 connections ended"
    assert app.timed(view)[0] is None


def test_pre_ping_saves_from_stale_connections(chaos, bookings, driver):
    """With `pool_pre_ping` the fault is handled: no error."""
    app = chaos({"fault": {"type": "stale_connections"}})
    engine = create_engine(bookings.url(driver.__name__), pool_pre_ping=True)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))

    def view():
        with engine.connect() as connection:
            return connection.scalar(text(COUNT))

    assert app.run(view) == 2
    assert app.records("end")[0]["measured"]["did"] == "1 connections ended"
    engine.dispose()


def test_uninstall_restores_the_very_functions(chaos):
    """Of both drivers."""

    def functions():
        return [
            *(vars(psycopg.Cursor)[name] for name in ("execute", "executemany")),
            vars(psycopg.ServerCursor)["execute"],
            *(vars(psycopg.Connection)[name] for name in ("commit", "rollback")),
            vars(psycopg.Transaction)["__exit__"],
            psycopg2.connect,
        ]

    before = functions()
    app = chaos()
    assert not set(functions()) & set(before)
    app.middleware.uninstall()
    assert functions() == before
