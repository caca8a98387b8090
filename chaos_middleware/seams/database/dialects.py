"""SQLAlchemy (1.4, 2.x): statements and the ends of transactions, where its dialects hand them to a driver.

Whichever engine, session or connection they come from, and however old it is, they come through these methods.
"""

from __future__ import annotations

from functools import wraps
from typing import Any, Callable

from chaos_middleware.request import current
from chaos_middleware.seams.database.exchange import control, statement, through


def _execute(original: Callable[..., Any]) -> Callable[..., Any]:
    """`do_execute` and `do_executemany`."""

    @wraps(original)
    def execute(dialect: Any, cursor: Any, text: Any, values: Any, context: Any = None) -> Any:
        request = current.get()
        if request is None or dialect.is_async:
            return original(dialect, cursor, text, values, context)
        call = statement(text, dialect.name, values)
        return through(request, call, cursor, original, dialect, cursor, text, values, context)

    return execute


def _execute_no_params(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def execute(dialect: Any, cursor: Any, text: Any, context: Any = None) -> Any:
        request = current.get()
        if request is None or dialect.is_async:
            return original(dialect, cursor, text, context)
        return through(request, statement(text, dialect.name), cursor, original, dialect, cursor, text, context)

    return execute


def _end(verb: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def end(dialect: Any, connection: Any) -> Any:
            request = current.get()
            if request is None or dialect.is_async:
                return original(dialect, connection)
            return through(request, control(verb, dialect.name), connection, original, dialect, connection)

        return end

    return wrap


METHODS = {
    "do_execute": _execute,
    "do_executemany": _execute,
    "do_execute_no_params": _execute_no_params,
    "do_commit": _end("COMMIT"),
    "do_rollback": _end("ROLLBACK"),
}
