"""MySQL and MariaDB by pymysql: the server itself is slow, raises the errors, holds the locks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NoReturn

from chaos_middleware.errors import UnsupportedFault
from chaos_middleware.seams.database.engines.base import LOCK_WAIT_SECONDS, Engine, hold, in_a_line, shut_down, woken

if TYPE_CHECKING:
    from chaos_middleware.control import Control

_DEADLOCK = ("40001", 1213, "Deadlock found when trying to get lock; try restarting transaction")
_ERRORS: dict[str, tuple[str, int, str]] = {
    "serialization_failure": _DEADLOCK,
    "deadlock": _DEADLOCK,
    "locked": ("HY000", 1205, "Lock wait timeout exceeded; try restarting transaction"),
    "statement_timeout": ("HY000", 3024, "Query execution was interrupted, maximum statement execution time exceeded"),
    "unique_violation": ("23000", 1062, "Duplicate entry '1' for key '{}.PRIMARY'"),
    "read_only": ("HY000", 1290, "The server is running with the --read-only option, it cannot execute this statement"),
    "disk_full": ("HY000", 1114, "The table '{}' is full"),
}
_OF_MARIADB = {"statement_timeout": ("70100", 1969, "Query execution was interrupted (max_statement_time exceeded)")}


class MySQL(Engine):
    """A server with a thread for each connection."""

    def stall(self, connection: Any, seconds: float, control: Control, *, ended: bool) -> None:
        """`SLEEP` on the same connection, from a table, as else no limit makes an error of it: the server's limits on
        statements end it, and the client's `read_timeout`.
        """
        _check(connection)
        with woken(control, lambda: _kill([connection], "QUERY")) as was_woken:
            try:
                connection.cursor().execute(f"SELECT SLEEP({seconds!r}) FROM (SELECT 1) AS chaos")  # noqa: S608 - a number
            except _driver().err.Error:
                if not was_woken():
                    raise
        if ended:
            connection.rollback()

    def error(self, connection: Any, kind: str, table: str, *, ending: bool) -> NoReturn:
        """Raised by the server; a deadlock has rolled the transaction back, as InnoDB does."""
        _check(connection)
        known = {**_ERRORS, **_OF_MARIADB} if "MariaDB" in connection.get_server_info() else _ERRORS
        state, number, text = known[kind]
        if ending or number == _DEADLOCK[1]:
            connection.rollback()
        words = text.format(table or "table").replace("'", "''")
        connection.cursor().execute(f"SIGNAL SQLSTATE '{state}' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = '{words}'")
        raise AssertionError("the server raised nothing")

    def cut(self, connection: Any) -> bool:
        _check(connection)
        shut_down(connection._sock.fileno())
        return True

    def lock(self, connection: Any, facts: tuple[str, ...], seconds: float, control: Control) -> str:
        """`LOCK TABLES … WRITE`, which waits for the transactions that have used the table: also for our own."""
        _check(connection)
        second = _second(connection)
        try:
            cursor = second.cursor()
            cursor.execute(f"SET lock_wait_timeout = {LOCK_WAIT_SECONDS:.0f}")
            cursor.execute("LOCK TABLES `{}` WRITE".format(facts[1].replace("`", "``")))
        except _driver().err.Error as error:
            second.close()
            raise UnsupportedFault(f"lock_contention was not to be had: {in_a_line(error)}") from None
        hold(seconds, control, lambda: shut_down(second._sock.fileno()))
        return f"LOCK TABLES {facts[1]} WRITE for {seconds:g} s"

    def end(self, connections: list[Any]) -> None:
        """`KILL`."""
        _kill([connection for connection in connections if connection.open], "CONNECTION")


def _check(connection: Any) -> None:
    """Refuse a connection on which the statement fails anyhow: what happens to it is not ours."""
    if not connection.open:
        raise UnsupportedFault("the connection is closed already")


def _driver() -> Any:
    """pymysql, which the app has imported."""
    return sys.modules["pymysql"]


def _kill(connections: list[Any], what: str) -> None:
    if connections:
        second = _second(connections[0])
        try:
            for connection in connections:
                second.cursor().execute(f"KILL {what} {connection.thread_id()}")
        finally:
            second.close()


def _second(connection: Any) -> Any:
    """Another connection to the same database, as the same user."""
    names = ("host", "port", "user", "password", "unix_socket", "charset")
    same = {name: getattr(connection, name) for name in names}
    context = {"ssl": connection.ctx} if hasattr(connection._sock, "context") else {}  # only where TLS is spoken
    return _driver().connect(**same, **context, database=connection.db, connect_timeout=5)
