"""PostgreSQL by psycopg 3 or psycopg2: the server itself is slow, raises the errors, holds the locks."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from chaos_middleware.errors import UnsupportedFault
from chaos_middleware.seams.database.engines.base import LOCK_WAIT_SECONDS, Engine, hold, in_a_line, shut_down, woken

if TYPE_CHECKING:
    from chaos_middleware.control import Control

_IDLE, _FAILED = 0, 3  # libpq's transaction status
_ERRORS: dict[str, tuple[str, str]] = {
    "serialization_failure": ("40001", "could not serialize access due to concurrent update"),
    "deadlock": ("40P01", "deadlock detected"),
    "locked": ("55P03", "canceling statement due to lock timeout"),
    "statement_timeout": ("57014", "canceling statement due to statement timeout"),
    "unique_violation": ("23505", 'duplicate key value violates unique constraint "{}_pkey"'),
    "read_only": ("25006", "cannot execute the statement in a read-only transaction"),
    "disk_full": ("53100", "could not extend file: No space left on device"),
}
_RAISE = "DO $chaos$ BEGIN RAISE EXCEPTION USING ERRCODE = '{}', MESSAGE = '{}'; END $chaos$"
_FIND = """SELECT c.oid, c.oid::regclass::text FROM pg_catalog.pg_class c
    WHERE c.relname = %s AND c.relkind IN ('r', 'p') ORDER BY pg_catalog.pg_table_is_visible(c.oid) DESC LIMIT 1"""
_UNLIMITED = """SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings
    WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')"""
_OWN = "SELECT mode FROM pg_catalog.pg_locks WHERE pid = %s AND relation = %s AND granted"


class PostgreSQL(Engine):
    """A server with a process for each connection."""

    def stall(self, connection: Any, seconds: float, control: Control, *, ended: bool) -> None:
        """`pg_sleep` on the same connection, in the same transaction: `statement_timeout` and `cancel()` end it."""
        _check(connection)
        try:
            self._sleep(connection, seconds, control)
        finally:
            if ended:
                _roll_back(connection)

    def _sleep(self, connection: Any, seconds: float, control: Control) -> None:
        cursor = connection.cursor()
        in_transaction = not connection.autocommit or connection.info.transaction_status != _IDLE
        if in_transaction:
            cursor.execute("SAVEPOINT chaos")
        with woken(control, connection.cancel) as was_woken:
            try:
                cursor.execute(f"SELECT pg_catalog.pg_sleep({seconds!r})")  # other cursors have other placeholders
            except Exception:
                if not was_woken():
                    raise
                if in_transaction:
                    cursor.execute("ROLLBACK TO SAVEPOINT chaos")
        if in_transaction:
            cursor.execute("RELEASE SAVEPOINT chaos")

    def error(self, connection: Any, kind: str, table: str, *, ending: bool) -> NoReturn:
        """Raised by the server, so that class, SQLSTATE and the failed transaction are real."""
        _check(connection)
        state, text = _ERRORS[kind]
        try:
            connection.cursor().execute(_RAISE.format(state, text.format(table or "table").replace("'", "''")))
        finally:
            if ending:  # a COMMIT that fails has ended its transaction
                _roll_back(connection)
        raise AssertionError("the server raised nothing")

    def cut(self, connection: Any) -> bool:
        _check(connection)
        shut_down(connection.fileno())
        return True

    def lock(self, connection: Any, facts: tuple[str, ...], seconds: float, control: Control) -> str:
        """`LOCK TABLE`, in the strongest mode that the statement's own transaction leaves room for."""
        _check(connection)
        second = _second(connection)
        try:
            mode = _lock(second, connection.info.backend_pid, facts)
        except BaseException:
            second.close()
            raise
        hold(seconds, control, second.close)
        return f"{mode} on {facts[1]} for {seconds:g} s"

    def end(self, connections: list[Any]) -> None:
        """`pg_terminate_backend`, and a moment for the backends to be gone."""
        connections = [connection for connection in connections if not connection.closed]
        if not connections:
            return
        pids = [connection.info.backend_pid for connection in connections]
        second = _second(connections[0])
        try:
            second.autocommit = True
            cursor = second.cursor()
            for pid in pids:
                cursor.execute("SELECT pg_catalog.pg_terminate_backend(%s)", (pid,))
            until = time.monotonic() + 1
            while time.monotonic() < until:
                cursor.execute("SELECT 1 FROM pg_catalog.pg_stat_activity WHERE pid = ANY(%s)", (pids,))
                if cursor.fetchone() is None:
                    return
                time.sleep(0.01)
        finally:
            second.close()


def _roll_back(connection: Any) -> None:
    """Leave no transaction of ours; a connection that is gone has none."""
    with suppress(_driver(connection).Error):
        connection.rollback()


def _check(connection: Any) -> None:
    """Refuse a connection on which the statement fails anyhow: what happens to it is not ours."""
    if connection.closed:
        raise UnsupportedFault("the connection is closed already")
    if connection.info.transaction_status == _FAILED:
        raise UnsupportedFault("the transaction has failed already")


def _lock(second: Any, pid: int, facts: tuple[str, ...]) -> str:
    """Lock the table for the connection `second`; returns the mode. `pid`: whose statement it is that shall wait."""
    cursor = second.cursor()
    cursor.execute(_FIND, (facts[1],))
    found = cursor.fetchone()
    if found is None:
        raise UnsupportedFault(f"lock_contention: there is no table {facts[1]}")
    cursor.execute(_OWN, (pid, found[0]))
    mode = _mode({row[0] for row in cursor.fetchall()}, facts)
    cursor.execute(_UNLIMITED)
    cursor.execute(f"SET lock_timeout = '{LOCK_WAIT_SECONDS:g}s'")
    try:
        cursor.execute(f"LOCK TABLE {found[1]} IN {mode} MODE")
    except _driver(second).Error as error:
        raise UnsupportedFault(f"lock_contention was not to be had: {in_a_line(error)}") from None
    return mode


def _mode(own: set[str], facts: tuple[str, ...]) -> str:
    """What somebody else can lock while the statement's own transaction holds these locks on the table."""
    if not own:
        return "ACCESS EXCLUSIVE"
    if own == {"AccessShareLock"} and (facts[0] != "SELECT" or " FOR " in facts[2].upper()):
        return "EXCLUSIVE"
    raise UnsupportedFault(f"lock_contention: the request's own transaction holds {facts[1]} already")


def _driver(connection: Any) -> Any:
    return sys.modules["psycopg" if hasattr(connection, "pgconn") else "psycopg2"]


def _second(connection: Any) -> Any:
    """Another connection to the same database, as the same user."""
    info = connection.info
    parameters = info.get_parameters() if hasattr(info, "get_parameters") else dict(info.dsn_parameters)
    parameters = {name: value for name, value in parameters.items() if value}
    with suppress(Exception):  # a driver that does not tell it, or a server that asked for none
        parameters["password"] = info.password
    parameters.setdefault("connect_timeout", "5")
    return _driver(connection).connect(**parameters)
