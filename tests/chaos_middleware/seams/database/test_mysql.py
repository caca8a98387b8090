"""A real MariaDB by pymysql, bare and under SQLAlchemy; only where the machine has one."""

from __future__ import annotations

import threading
import time

import pymysql
import pytest
from sqlalchemy import create_engine, exc, text

from chaos_middleware import injected_by
from tests.mariadb_server import PROGRAM, mariadb

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="MariaDB is in no wheel; apt-get install mariadb-server-core")
COUNT = "SELECT count(*) FROM bookings"


@pytest.fixture(scope="module")
def server():
    """A MariaDB for the tests of this file."""
    with mariadb() as server:
        yield server


@pytest.fixture
def bookings(server):
    """MariaDB with the table `bookings` of two rows."""
    server.ask("DROP TABLE IF EXISTS bookings")
    server.ask("CREATE TABLE bookings (id int AUTO_INCREMENT PRIMARY KEY, name text, seats int)")
    server.ask("INSERT INTO bookings (name, seats) VALUES ('ada', 1), ('bob', 2)")
    return server


@pytest.fixture
def engine(bookings):
    """SQLAlchemy's engine, with a pool of one connection and 0.4 s to wait for it."""
    engine = create_engine(bookings.url, pool_size=1, max_overflow=0, pool_timeout=0.4)
    yield engine
    engine.dispose()


def test_each_call_of_the_bare_driver_is_noted(chaos, bookings):
    """Statements, many rows at once, commit and rollback; none of them twice."""
    app = chaos({"rate": 0, "fault": {"type": "noop"}})

    def view():
        with bookings.connect() as connection, connection.cursor() as cursor:
            cursor.executemany("INSERT INTO bookings (name) VALUES (%s)", [("c",), ("d",)])
            connection.rollback()
            cursor.execute("UPDATE bookings SET seats = %s WHERE name = %s", (3, "ada"))
            connection.commit()

    app.run(view)
    assert app.verbs() == ["INSERT", "ROLLBACK", "UPDATE", "COMMIT"]


@pytest.mark.parametrize(
    ("kind", "name", "numbers"),
    [
        ("serialization_failure", "OperationalError", {1213}),
        ("deadlock", "OperationalError", {1213}),
        ("locked", "OperationalError", {1205}),
        ("statement_timeout", "OperationalError", {1969}),
        ("unique_violation", "IntegrityError", {1062}),
        ("read_only", "OperationalError", {1290}),
        ("disk_full", "OperationalError", {1114}),
        ("disconnect", "OperationalError", {2006, 2013}),
    ],
)
def test_the_server_raises_the_error(chaos, bookings, kind, name, numbers):
    """The driver's class for the number; a broken connection it finds out itself. The statement is not executed."""
    app = chaos({"match": {"verb": ["UPDATE"]}, "fault": {"type": "statement_error", "kind": kind}})
    error, _ = app.timed(lambda: bookings.connect().cursor().execute("UPDATE bookings SET seats = 0"))
    assert type(error) is getattr(pymysql.err, name)
    assert error.args[0] in numbers
    assert injected_by(error) == app.records("fault")[0]["id"]
    assert bookings.ask("SELECT sum(seats) FROM bookings") == [(3,)]


def test_a_deadlock_has_rolled_the_transaction_back(chaos, bookings):
    """What the transaction did before is gone, as with InnoDB's own."""
    app = chaos({"match": {"verb": ["UPDATE"]}, "fault": {"type": "statement_error", "kind": "deadlock"}})

    def view():
        with bookings.connect() as connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM bookings")
            with pytest.raises(pymysql.err.OperationalError):
                cursor.execute("UPDATE bookings SET seats = 0")
            connection.commit()

    app.run(view)
    assert bookings.ask(COUNT) == [(2,)]


@pytest.mark.parametrize(("phase", "left"), [("before", 2), ("after", 0)])
def test_a_commit_whose_answer_is_lost(chaos, engine, bookings, phase, left):
    """Under SQLAlchemy: the connection is thrown away, the next one works."""
    rule = {"match": {"verb": ["COMMIT"]}, "fault": {"type": "statement_error", "kind": "disconnect"}}
    app = chaos({**rule, "phase": phase})

    def view():
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM bookings"))

    error, _ = app.timed(view)
    assert type(error) is exc.OperationalError
    assert error.connection_invalidated
    with engine.connect() as connection:
        assert connection.scalar(text(COUNT)) == left


@pytest.mark.parametrize(
    ("settings", "number"), [({"init_command": "SET max_statement_time = 0.3"}, 1969), ({"read_timeout": 0.3}, 2013)]
)
def test_the_apps_own_limits_end_a_slow_statement(chaos, bookings, settings, number):
    """The server's limit on statements, or the client's `read_timeout`, after 0.3 s of 20."""
    app = chaos({"fault": {"type": "slow_statement", "seconds": 20}})
    error, seconds = app.timed(lambda: bookings.connect(**settings).cursor().execute(COUNT))
    assert type(error) is pymysql.err.OperationalError
    assert error.args[0] == number
    assert 0.3 <= seconds < 2
    assert injected_by(error) == app.records("fault")[0]["id"]


def test_the_kill_switch_ends_a_slow_statement(chaos, bookings):
    """The server is told to stop, and the statement is executed."""
    app = chaos({"match": {"verb": ["DELETE"]}, "fault": {"type": "slow_statement", "seconds": 20}})
    timer = threading.Timer(0.3, app.middleware.injector.control.stop)
    timer.start()

    def view():
        with bookings.connect(autocommit=True) as connection:
            connection.cursor().execute("DELETE FROM bookings")

    error, seconds = app.timed(view)
    timer.join()
    assert error is None
    assert 0.3 <= seconds < 3
    assert bookings.ask(COUNT) == [(0,)]


def test_lock_contention_is_a_real_lock(chaos, bookings):
    """A statement waits as long as the lock is held; with `lock_wait_timeout` 1 s it fails then by 1205."""
    app = chaos({"match": {"verb": ["UPDATE"]}, "fault": {"type": "lock_contention", "seconds": 0.5}})

    def view(**settings):
        with bookings.connect(autocommit=True, **settings) as connection:
            connection.cursor().execute("UPDATE bookings SET seats = 9")

    error, seconds = app.timed(view)
    assert error is None
    assert 0.4 <= seconds < 2
    app = chaos({"match": {"verb": ["UPDATE"]}, "fault": {"type": "lock_contention", "seconds": 20}})
    error, seconds = app.timed(lambda: view(init_command="SET lock_wait_timeout = 1"))
    assert error.args[0] == 1205
    assert injected_by(error)
    assert 1 <= seconds < 3
    app.middleware.uninstall()
    started = time.monotonic()
    bookings.ask("UPDATE bookings SET seats = 1")
    assert time.monotonic() - started < 2


def test_pools(chaos, engine):
    """Stale connections and an exhausted pool, as with PostgreSQL."""
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))

    def view():
        with engine.connect() as connection:
            return connection.scalar(text(COUNT))

    app = chaos({"fault": {"type": "stale_connections"}})
    error, _ = app.timed(view)
    assert type(error) is exc.OperationalError
    assert injected_by(error) == app.records("fault")[0]["id"]
    app.middleware.uninstall()
    app = chaos({"fault": {"type": "pool_exhaustion", "seconds": 1}})
    error, seconds = app.timed(view)
    assert type(error) is exc.TimeoutError
    assert 0.4 <= seconds < 2
    app.middleware.uninstall()
    until = time.monotonic() + 3
    while engine.pool.checkedout():
        assert time.monotonic() < until
        time.sleep(0.02)
