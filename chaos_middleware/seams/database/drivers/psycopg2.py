"""psycopg2: its classes are in C, so `connect` gives subclasses of them, or of the caller's own factories.

Not seen: connections made before, or by a name imported before; `copy_*` and `callproc`.
"""

from __future__ import annotations

import sys
from functools import lru_cache, wraps
from typing import Any, Callable

from chaos_middleware.patching import Replace
from chaos_middleware.request import current
from chaos_middleware.seams.database.drivers.hooks import PLAIN, ends, executes, seen_above, subclass

_ENGINE = "postgresql"
_IDLE = 0  # libpq's transaction status


def _connect(original: Callable[..., Any]) -> Callable[..., Any]:
    """`connect`, which gives connections whose calls are seen."""
    plain = sys.modules["psycopg2.extensions"].cursor
    PLAIN[plain] = plain.execute

    @wraps(original)
    def connect(dsn: Any = None, connection_factory: Any = None, cursor_factory: Any = None, **kwargs: Any) -> Any:
        if seen_above.get():
            return original(dsn, connection_factory, cursor_factory, **kwargs)
        kind = _connection_class(connection_factory or sys.modules["psycopg2.extensions"].connection)
        return original(dsn, kind, cursor_factory, **kwargs)

    return connect


@lru_cache(maxsize=64)
def _connection_class(factory: Any) -> Any:
    if not isinstance(factory, type):
        return factory
    base: Any = factory
    make, leave = base.cursor, base.__exit__

    def cursor(connection: Any, name: Any = None, cursor_factory: Any = None, **kwargs: Any) -> Any:
        kind = cursor_factory or connection.cursor_factory or sys.modules["psycopg2.extensions"].cursor
        return make(connection, name, _cursor_class(kind), **kwargs)

    def exit_block(connection: Any, kind: Any, error: Any, traceback: Any) -> Any:
        if current.get() is not None and not connection.autocommit and connection.info.transaction_status != _IDLE:
            connection.commit() if kind is None else connection.rollback()  # a commit that fails is not rolled back
            return False
        return leave(connection, kind, error, traceback)

    methods = {name: ends(name.upper(), _ENGINE)(getattr(base, name)) for name in ("commit", "rollback")}
    return subclass(base, base.__name__, {**methods, "cursor": cursor, "__exit__": exit_block})


@lru_cache(maxsize=64)
def _cursor_class(factory: Any) -> Any:
    if not isinstance(factory, type):
        return factory
    methods = {name: executes(_ENGINE)(getattr(factory, name)) for name in ("execute", "executemany")}
    kind = subclass(factory, factory.__name__, methods)
    if factory is sys.modules["psycopg2.extensions"].cursor:
        PLAIN[kind] = factory.execute
    return kind


CHANGES = {"psycopg2": (Replace("connect", _connect),)}
