"""SQLite, by the standard library's driver used bare."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import threading
import time
from contextlib import closing, suppress
from uuid import UUID

import pytest

from chaos_middleware import injected_by

NOOP = {"rate": 0, "fault": {"type": "noop"}}


def test_each_call_is_noted_with_its_site(chaos, file):
    """Statements by cursor and by connection, many rows at once, and the commit; each with its line."""
    app = chaos(NOOP)

    def view():
        connection = sqlite3.connect(file)
        connection.execute("SELECT * FROM bookings WHERE name = ?", ("ada",))
        connection.cursor().executemany("INSERT INTO bookings (name) VALUES (?)", [("c",), ("d",)])
        connection.commit()
        connection.commit()
        connection.close()

    app.run(view)
    calls = app.records("call")
    assert [call["target"].rpartition(" ")[0] for call in calls] == [
        "SELECT bookings",
        "INSERT bookings",
        *["COMMIT"] * 2,
    ]
    assert calls[2]["target"] == "COMMIT sqlite"
    lines = [call["site"]["line"] - view.__code__.co_firstlineno for call in calls]
    assert lines == [2, 3, 4, 5]
    assert {call["site"]["file"] for call in calls} == {__file__}
    assert {call["error"] for call in calls} == {None}


def test_a_block_ends_with_a_commit_or_a_rollback(chaos, file):
    """`with connection:` commits, or rolls back and lets the error out."""
    app = chaos(NOOP)

    def view():
        connection = sqlite3.connect(file)
        with connection:
            connection.execute("DELETE FROM bookings WHERE name = 'ada'")
        with suppress(KeyError), connection:
            connection.execute("DELETE FROM bookings")
            raise KeyError
        with connection:
            connection.execute("SELECT 1")
        return connection.execute("SELECT count(*) FROM bookings").fetchone()

    assert app.run(view) == (1,)
    assert app.verbs() == ["DELETE", "COMMIT", "DELETE", "ROLLBACK", "SELECT", "SELECT"]


def test_the_callers_own_classes_are_kept(chaos, file):
    """A connection is one of the factory's class, and so is its cursor; who asks, sees the names of sqlite3."""
    app = chaos(NOOP)

    class Mine(sqlite3.Connection):
        pass

    class Cursor(sqlite3.Cursor):
        pass

    def view():
        plain, mine = sqlite3.connect(file), sqlite3.connect(file, 5.0, 0, None, True, Mine)
        assert isinstance(plain, sqlite3.Connection)
        assert repr(plain).startswith("<sqlite3.Connection object")
        assert isinstance(mine, Mine)
        assert isinstance(mine.cursor(Cursor), Cursor)
        mine.cursor(factory=Cursor).execute("SELECT 1")
        assert type(sqlite3.connect(file, factory=lambda *a, **k: sqlite3.Connection(file))) is sqlite3.Connection

    app.run(view)
    assert app.verbs() == ["SELECT"]


def test_a_class_that_makes_its_own_cursors_is_left_alone(chaos, file):
    """Its connections work as ever; their calls are not seen."""
    app = chaos({"fault": {"type": "statement_error", "kind": "locked"}})

    class Own(sqlite3.Connection):
        def cursor(self):
            return super().cursor()

    assert app.run(lambda: sqlite3.connect(file, factory=Own).execute("SELECT 1").fetchone()) == (1,)
    assert app.verbs() == []


def test_an_error_is_the_drivers_own(chaos, file):
    """Class, text and code of a locked database; the statement is not executed, and the note has class and event."""
    app = chaos({"match": {"verb": ["UPDATE"]}, "fault": {"type": "statement_error", "kind": "locked"}})
    connection = None

    def view():
        nonlocal connection
        connection = sqlite3.connect(file)
        connection.execute("UPDATE bookings SET seats = 0")

    error, _ = app.timed(view)
    assert type(error) is sqlite3.OperationalError
    assert str(error) == "database is locked"
    assert (error.sqlite_errorcode, error.sqlite_errorname) == (sqlite3.SQLITE_BUSY, "SQLITE_BUSY")
    (fault,), (call,) = app.records("fault"), app.records("call")
    assert injected_by(error) == fault["id"]
    assert (call["error"], call["faults"]) == ("OperationalError", [fault["id"]])
    assert connection.execute("SELECT sum(seats) FROM bookings").fetchone() == (3,)


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        ("serialization_failure", "OperationalError", "SQLITE_BUSY_SNAPSHOT"),
        ("deadlock", "OperationalError", "SQLITE_BUSY"),
        ("statement_timeout", "OperationalError", "SQLITE_INTERRUPT"),
        ("unique_violation", "IntegrityError", "SQLITE_CONSTRAINT_UNIQUE"),
        ("read_only", "OperationalError", "SQLITE_READONLY"),
        ("disk_full", "OperationalError", "SQLITE_FULL"),
        ("disconnect", "OperationalError", "SQLITE_IOERR"),
    ],
)
def test_every_kind_of_error_has_its_code(chaos, file, kind, name, code):
    """As SQLite's own C interface numbers them."""
    app = chaos({"fault": {"type": "statement_error", "kind": kind}})
    error, _ = app.timed(lambda: sqlite3.connect(file).execute("SELECT * FROM bookings"))
    assert type(error) is getattr(sqlite3, name)
    assert (error.sqlite_errorname, error.sqlite_errorcode) == (code, getattr(sqlite3, code))


def test_after_the_statement_is_done_and_its_answer_lost(chaos, file):
    """Phase `after` of a commit: the row is there, and the app gets an error."""
    rule = {"match": {"verb": ["COMMIT"]}, "phase": "after", "fault": {"type": "statement_error", "kind": "disconnect"}}
    app = chaos(rule)

    def view():
        with sqlite3.connect(file) as connection:
            connection.execute("INSERT INTO bookings (name) VALUES ('eve')")

    error, _ = app.timed(view)
    assert str(error) == "disk I/O error"
    assert sqlite3.connect(file).execute("SELECT count(*) FROM bookings").fetchone() == (3,)


def test_a_commit_that_fails_leaves_its_transaction_open(chaos, file):
    """As a real `database is locked` at a commit does: the app may try again."""
    app = chaos(
        {"match": {"verb": ["COMMIT"]}, "gate": {"first": 1}, "fault": {"type": "statement_error", "kind": "locked"}}
    )

    def view():
        connection = sqlite3.connect(file)
        connection.execute("INSERT INTO bookings (name) VALUES ('eve')")
        with pytest.raises(sqlite3.OperationalError):
            connection.commit()
        connection.commit()

    app.run(view)
    assert sqlite3.connect(file).execute("SELECT count(*) FROM bookings").fetchone() == (3,)


def test_a_rule_without_a_verb_means_statements(chaos, file):
    """Commits and rollbacks meet it only where the rule names them."""
    app = chaos({"fault": {"type": "noop"}})

    def view():
        with sqlite3.connect(file) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM bookings")

    app.run(view)
    assert [fault["target"].split()[0] for fault in app.records("fault")] == ["DELETE"]


def test_a_slow_statement_is_one_that_can_be_interrupted(chaos, file):
    """SQLite itself is busy: `interrupt()` of another thread ends a statement of 20 s at once."""
    app = chaos({"fault": {"type": "slow_statement", "seconds": 20}})
    connection = sqlite3.connect(file, check_same_thread=False)
    timer = threading.Timer(0.3, connection.interrupt)
    timer.start()
    error, seconds = app.timed(lambda: connection.execute("SELECT * FROM bookings"))
    timer.join()
    assert (type(error), str(error)) == (sqlite3.OperationalError, "interrupted")
    assert injected_by(error) == app.records("fault")[0]["id"]
    assert 0.3 <= seconds < 2


def test_a_slow_statement_takes_as_long_as_asked(chaos, file):
    """Asked 0.3 s, measured 0.3 s; then the statement is executed."""
    app = chaos({"fault": {"type": "slow_statement", "seconds": 0.3}})
    assert app.run(lambda: sqlite3.connect(file).execute("SELECT count(*) FROM bookings").fetchone()) == (2,)
    (end,) = app.records("end")
    assert 0.3 <= end["measured"]["seconds"] < 0.6


@pytest.mark.parametrize("fault", ["slow_statement", "latency"])
def test_the_kill_switch_ends_a_wait(chaos, file, fault):
    """A wait of 20 s is over at once, and the statement goes on."""
    app = chaos({"fault": {"type": fault, "seconds": 20}})
    assert app.middleware.injector is not None
    timer = threading.Timer(0.2, app.middleware.injector.control.stop)
    timer.start()
    error, seconds = app.timed(lambda: sqlite3.connect(file).execute("SELECT * FROM bookings"))
    timer.join()
    assert error is None
    assert seconds < 2


def test_uninstall_restores_the_very_functions(chaos):
    """`connect` under both of its names, whichever was imported first."""
    before = sqlite3.connect, sqlite3.dbapi2.connect
    app = chaos()
    assert sqlite3.connect is sqlite3.dbapi2.connect is not before[0]
    app.middleware.uninstall()
    assert (sqlite3.connect, sqlite3.dbapi2.connect) == before


def test_the_same_calls_have_the_same_names_in_every_run(chaos, file):
    """Ids, times and tokens leave the identity alone, other texts do not; nothing of them can be read in it."""
    app = chaos(NOOP)

    def view():
        connection = sqlite3.connect(file)
        for values in (("ada", 1), ("ada", 2), ("bob", 1), ("2026-01-01T10:00", 1), (f"{time.time()}-0123456789", 1)):
            connection.execute("SELECT * FROM bookings WHERE name = ? AND id = ?", values)

    app.run(view)
    targets = [call["target"] for call in app.records("call")]
    assert targets[0] == targets[1] != targets[2] != targets[3] == targets[4]
    assert all("ada" not in target for target in targets)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1, "ada"), (2, "ada")),
        ((1, "ada"), ("1", "ada")),
        ({"id": 1}, {"id": 2}),
        ([1], [2]),
        ((UUID(int=7).bytes,), (UUID(int=8).bytes,)),
        (("2026-01-01",), ("2026-01-02",)),
    ],
)
def test_one_statement_with_other_values_is_told_from_the_same_again(chaos, file, one, other):
    """By numbers, texts, bytes and days, in the note alone; what they were cannot be read in it."""
    noted = _values_noted(chaos, file, one, other, one)
    assert noted[0] == noted[2] != noted[1]
    assert all(re.fullmatch("[0-9a-f]{4}", value) for value in noted)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1, "2026-01-01 10:00:00"), (1, "2026-01-01 10:00:01.5")),
        ((1, 1795428848.1), (1, 1795428848.2)),
        ({"id": 1, "b": None}, {"b": None, "id": 1}),
    ],
)
def test_one_that_asks_again_with_the_time_asks_for_the_same(chaos, file, one, other):
    """Moments and the order of names do not tell calls apart."""
    first, second = _values_noted(chaos, file, one, other)
    assert first == second is not None


@pytest.mark.parametrize("values", [(), tuple(range(101)), {}])
def test_without_values_or_with_very_many_nothing_is_noted_of_them(chaos, file, values):
    """A statement of many values asks for many things already."""
    assert _values_noted(chaos, file, values) == [None]


def test_rows_and_ends_of_transactions_have_no_values_noted(chaos, file):
    """Many rows are one call."""
    app = chaos(NOOP)

    def view():
        connection = sqlite3.connect(file)
        connection.executemany("INSERT INTO bookings (name) VALUES (?)", [("c",), ("d",)])
        connection.commit()

    app.run(view)
    assert ["values" in call for call in app.records("call")] == [False, False]


@pytest.mark.parametrize("key", ["1.0.0", "1.1.0"])
def test_values_that_may_have_changed_since_are_not_noted(chaos, file, key):
    """Calls before a request's first fault are written at its end: a tuple is then what it was, a list perhaps not."""
    app = chaos({"match": {"statement": ["SELECT name *"]}, "fault": {"type": "noop"}}, share=0)

    def view():
        connection, values = sqlite3.connect(file), [1]
        connection.execute("SELECT id FROM bookings WHERE id = ?", (1,))
        connection.execute("SELECT seats FROM bookings WHERE id = ?", values)
        values[0] = 2
        connection.execute("SELECT name FROM bookings WHERE id = ?", values)

    for each in ("1.0.0", "1.1.0"):  # the second time the calls are known, and kept as less
        app.run(view, key=each)
    noted = sorted((call["started"], "values" in call) for call in app.records("call") if call["key"] == key)
    assert [told for _, told in noted] == [True, False, True]


def test_lock_contention_is_a_real_lock(chaos, file):
    """A second connection holds the file for as long as asked; then the statement gets its turn."""
    app = chaos({"match": {"verb": ["UPDATE"]}, "fault": {"type": "lock_contention", "seconds": 0.4}})
    seen = []
    timer = threading.Timer(0.2, lambda: seen.append(_locked(file)))
    timer.start()

    def view():
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE bookings SET seats = 9")

    error, seconds = app.timed(view)
    timer.join()
    assert error is None
    assert 0.3 <= seconds < 2
    assert seen == [True]
    assert app.records("end")[0]["measured"]["did"] == "BEGIN EXCLUSIVE for 0.4 s"
    assert not _locked(file)


def test_what_the_app_makes_of_rows_is_its_own_affair(chaos, file):
    """Its `row_factory` does not keep the fault from finding the file."""
    app = chaos({"fault": {"type": "lock_contention", "seconds": 0.1}})

    def view():
        connection = sqlite3.connect(file, isolation_level=None)
        connection.row_factory = lambda _, row: {"all": row}
        connection.execute("UPDATE bookings SET seats = 5")
        connection.close()

    app.run(view)
    assert app.records("end")[0]["measured"]["did"] == "BEGIN EXCLUSIVE for 0.1 s"


def test_the_app_sees_nothing_of_a_second_connection_that_fails(chaos, file, monkeypatch):
    """As where the process has no descriptors left: its own statement is made, and the ledger says why."""
    app = chaos({"fault": {"type": "lock_contention", "seconds": 60}})

    def refused(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("chaos_middleware.seams.database.engines.sqlite.SQLite.lock", refused)

    def view():
        with closing(sqlite3.connect(file)) as connection:
            return connection.execute("UPDATE bookings SET seats = 5").rowcount

    assert app.run(view) == 2
    text = "rule r0: lock_contention was not to be had: [Errno 24] Too many open files"
    assert [note["text"] for note in app.records("note")] == [text]
    assert app.records("end")[0]["measured"]["did"] == "unsupported"


def test_the_busy_timeout_ends_the_wait_for_a_lock(chaos, file):
    """A busy timeout of 0.3 s against a lock of 20 s; the kill switch then gives the lock back."""
    app = chaos({"match": {"verb": ["UPDATE"]}, "fault": {"type": "lock_contention", "seconds": 20}})
    error, seconds = app.timed(lambda: sqlite3.connect(file, timeout=0.3).execute("UPDATE bookings SET seats = 9"))
    assert (type(error), str(error)) == (sqlite3.OperationalError, "database is locked")
    assert error.sqlite_errorname == "SQLITE_BUSY"
    assert injected_by(error) == app.records("fault")[0]["id"]
    assert 0.2 <= seconds < 2
    assert _locked(file)
    app.middleware.injector.control.stop()
    until = time.monotonic() + 2
    while _locked(file):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_lost_lease_gives_the_lock_back(chaos, file):
    """Who kept the lease fresh is gone: a lock of 20 s ends within a moment."""
    app = chaos({"fault": {"type": "lock_contention", "seconds": 20}})
    lease = app.folder / "lease"
    lease.touch()
    error, _ = app.timed(lambda: sqlite3.connect(file, timeout=0.1).execute("UPDATE bookings SET seats = 9"))
    assert str(error) == "database is locked"
    assert _locked(file)
    os.utime(lease, (0, 0))
    until = time.monotonic() + 2
    while _locked(file):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_transaction_that_begins_waits_for_the_lock(chaos, file):
    """`BEGIN IMMEDIATE` needs it; the write after it has it."""
    app = chaos({"match": {"verb": ["BEGIN", "UPDATE"]}, "fault": {"type": "lock_contention", "seconds": 0.3}})

    def view():
        connection = sqlite3.connect(file, isolation_level=None)
        for statement in ("BEGIN IMMEDIATE", "UPDATE bookings SET seats = 9", "COMMIT"):
            connection.execute(statement)

    error, seconds = app.timed(view)
    assert error is None
    assert 0.2 <= seconds < 2
    assert [end["measured"]["did"] for end in app.records("end")] == ["BEGIN EXCLUSIVE for 0.3 s", "unsupported"]


def test_a_database_in_memory_has_no_second_connection(chaos):
    """Lock contention is refused with a note, and the statement goes on."""
    app = chaos({"match": {"verb": ["CREATE"]}, "fault": {"type": "lock_contention", "seconds": 5}})
    error, seconds = app.timed(lambda: sqlite3.connect(":memory:").execute("CREATE TABLE bookings (id int)"))
    assert error is None
    assert seconds < 1
    assert app.records("note")[0]["text"] == "rule r0: lock_contention cannot be had on a SQLite database in memory"


def _values_noted(chaos, file, *every):
    """What is noted of the values of one statement, made with each of these in a request."""
    app = chaos(NOOP)

    def view():
        connection = sqlite3.connect(file)
        for values in every:
            named = [f":{name}" for name in values] if isinstance(values, dict) else "?" * len(values)
            connection.execute(f"SELECT {', '.join(sorted(named)) or 1}", values)

    app.run(view)
    return [call.get("values") for call in app.records("call")]


def _locked(file):
    """Whether somebody keeps others from writing."""
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False
