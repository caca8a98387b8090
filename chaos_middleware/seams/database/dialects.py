"""SQLAlchemy (1.4, 2.x): statements and the ends of transactions, where its dialects hand them to a driver.

Whichever engine, session or connection they come from, and however old it is, they come through these methods.
"""

from __future__ import annotations

from functools import wraps
from sys import _getframe
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable

from chaos_middleware.request import current
from chaos_middleware.seams.database.call import CHECKOUT
from chaos_middleware.seams.database.drivers.hooks import PLAIN, seen_above
from chaos_middleware.seams.database.exchange import failure, through
from chaos_middleware.seams.database.quiet import Quiet
from chaos_middleware.seams.database.statements import STATEMENTS, control

if TYPE_CHECKING:
    from chaos_middleware.callsite import Spot


def _execute(original: Callable[..., Any]) -> Callable[..., Any]:
    """`do_execute`: most of all calls. Where it does nothing but call the cursor, and no rule is for the statement, the
    driver's own function is called from here; the rest is `through`, written out, for each frame less is felt.
    """
    if getattr(getattr(original, "__code__", None), "co_names", None) != ("execute",):
        return _execute_many(original)

    @wraps(original)
    def execute(dialect: Any, cursor: Any, text: Any, values: Any, context: Any = None) -> Any:
        request = current.get()
        if request is None:
            return original(dialect, cursor, text, values, context)
        about = STATEMENTS[dialect.name][text]
        plain = PLAIN.get(cursor.__class__)
        if plain is None or about not in request.calm:
            if dialect.is_async:
                return original(dialect, cursor, text, values, context)
            return through(request, about, values, cursor, original, dialect, cursor, text, values, context)
        frame = None
        if about.last is not None:  # `AppFrames.along`, written out as well
            out, code, file = about.last
            try:
                frame = _getframe(out - 1)
            except ValueError:  # there are fewer
                frame = None
        if frame is not None and frame.f_code is code:
            spot: Spot | None = (file, code, frame.f_lasti)
        else:
            spot = request.injector.frames.along(about, 0)
        failed, began = None, monotonic()
        try:
            return plain(cursor, text, values)
        except BaseException as error:
            failed = failure(error, cursor)
            raise
        finally:
            request.calls.append((Quiet, about, values, spot, began, monotonic(), failed))

    return execute


def _execute_many(original: Callable[..., Any]) -> Callable[..., Any]:
    """`do_executemany`."""

    @wraps(original)
    def execute(dialect: Any, cursor: Any, text: Any, values: Any, context: Any = None) -> Any:
        request = current.get()
        if request is None or dialect.is_async:
            return original(dialect, cursor, text, values, context)
        about = STATEMENTS[dialect.name][text]
        return through(request, about, values, cursor, original, dialect, cursor, text, values, context)

    return execute


def _execute_no_params(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def execute(dialect: Any, cursor: Any, text: Any, context: Any = None) -> Any:
        request = current.get()
        if request is None or dialect.is_async:
            return original(dialect, cursor, text, context)
        return through(request, STATEMENTS[dialect.name][text], None, cursor, original, dialect, cursor, text, context)

    return execute


def _end(verb: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def end(dialect: Any, connection: Any) -> Any:
            request = current.get()
            if request is None or dialect.is_async:
                return original(dialect, connection)
            return through(request, control(verb, dialect.name), None, connection, original, dialect, connection)

        return end

    return wrap


def checkout(original: Callable[..., Any]) -> Callable[..., Any]:
    """`Pool.connect`, with faults for the checkouts of a current request."""

    @wraps(original)
    def connect(pool: Any) -> Any:
        request = current.get()
        if request is None or getattr(pool._dialect, "is_async", False):
            return original(pool)
        return through(request, control(CHECKOUT, getattr(pool._dialect, "name", "")), None, pool, original, pool)

    return connect


def _connect(original: Callable[..., Any]) -> Callable[..., Any]:
    """`connect`: a connection of classes in C stays as it is, for what SQLAlchemy sends over it is seen here."""

    @wraps(original)
    def connect(*args: Any, **kwargs: Any) -> Any:
        token = seen_above.set(True)
        try:
            return original(*args, **kwargs)
        finally:
            seen_above.reset(token)

    return connect


METHODS = {
    "connect": _connect,
    "do_execute": _execute,
    "do_executemany": _execute_many,
    "do_execute_no_params": _execute_no_params,
    "do_commit": _end("COMMIT"),
    "do_rollback": _end("ROLLBACK"),
}
