"""SQLite by the standard library's driver: no server, no sockets; the locks and a long statement are real."""

from __future__ import annotations

import sys
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn

from chaos_middleware.control import SLICE_SECONDS
from chaos_middleware.errors import UnsupportedFault
from chaos_middleware.seams.database.engines.base import LOCK_WAIT_SECONDS, Engine, hold

if TYPE_CHECKING:
    from chaos_middleware.control import Control

_BUSY = """WITH RECURSIVE slice(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM slice WHERE chaos_busy())
    SELECT max(n) FROM slice"""
_OWN_LOCK_WAIT_SECONDS = 0.1
_ERRORS: dict[str, tuple[str, int, str, str]] = {
    "serialization_failure": ("OperationalError", 517, "SQLITE_BUSY_SNAPSHOT", "database is locked"),
    "deadlock": ("OperationalError", 5, "SQLITE_BUSY", "database is locked"),
    "locked": ("OperationalError", 5, "SQLITE_BUSY", "database is locked"),
    "statement_timeout": ("OperationalError", 9, "SQLITE_INTERRUPT", "interrupted"),
    "unique_violation": ("IntegrityError", 2067, "SQLITE_CONSTRAINT_UNIQUE", "UNIQUE constraint failed: {}.id"),
    "read_only": ("OperationalError", 8, "SQLITE_READONLY", "attempt to write a readonly database"),
    "disk_full": ("OperationalError", 13, "SQLITE_FULL", "database or disk is full"),
    "disconnect": ("OperationalError", 10, "SQLITE_IOERR", "disk I/O error"),
}


class SQLite(Engine):
    """A file and a library."""

    def stall(self, connection: Any, seconds: float, control: Control, *, ended: bool) -> None:
        """By a statement that takes so long: `interrupt()` ends it, and greenlets wait for it."""
        until = monotonic() + seconds

        def busy() -> int:
            left = until - monotonic()
            if left <= 0 or control.stopped():
                return 0
            control.sleep(min(left, SLICE_SECONDS), blocking=True)
            return 1

        connection.create_function("chaos_busy", 0, busy)
        try:
            connection.cursor().execute(_BUSY).fetchall()
        finally:
            with suppress(_driver().Error):  # while another cursor is in mid-result it stays, and does nothing
                connection.create_function("chaos_busy", 0, None)  # what is left of it fails when called

    def error(self, connection: Any, kind: str, table: str, *, ending: bool) -> NoReturn:
        """Made by us, as the driver makes it; a transaction stays open, as after the real error."""
        name, code, symbol, text = _ERRORS[kind]
        error = getattr(_driver(), name)(text.format(table or "table"))
        if sys.version_info >= (3, 11):
            error.sqlite_errorcode, error.sqlite_errorname = code, symbol
        raise error

    def lock(self, connection: Any, facts: tuple[str, ...], seconds: float, control: Control) -> str:
        """`BEGIN EXCLUSIVE`: nobody else writes, and without a write-ahead log nobody reads."""
        cursor = connection.cursor()
        cursor.row_factory = None  # the app's own may make anything of a row
        file = next((path for _, name, path in cursor.execute("PRAGMA database_list") if name == "main"), "")
        if not file:
            raise UnsupportedFault("lock_contention cannot be had on a SQLite database in memory")
        wait = _OWN_LOCK_WAIT_SECONDS if connection.in_transaction else LOCK_WAIT_SECONDS
        second = _driver().connect(file, timeout=wait, isolation_level=None, check_same_thread=False)
        try:
            second.execute("BEGIN EXCLUSIVE")
        except _driver().OperationalError as error:
            second.close()
            raise UnsupportedFault(f"lock_contention was not to be had within {wait:g} s: {error}") from None
        hold(seconds, control, second.close)
        return f"BEGIN EXCLUSIVE for {seconds:g} s"


def _driver() -> Any:
    """The standard library's driver, which the app has imported; not every Python has one."""
    return sys.modules["sqlite3"]
