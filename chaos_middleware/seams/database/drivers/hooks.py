"""What the drivers' hooks share: a method that is a statement, a method that ends a transaction, and subclasses of
classes in C, whose methods cannot be replaced.
"""

from __future__ import annotations

from functools import partial, wraps
from typing import Any, Callable

from chaos_middleware.request import current
from chaos_middleware.seams.database.exchange import control, statement, through

Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]

_VALUES = ("params", "vars", "args")  # as the drivers call them


def executes(engine: str) -> Wrap:
    """For `cursor.execute(text, values)` and its like."""

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def execute(cursor: Any, *args: Any, **named: Any) -> Any:
            request = current.get()
            if request is None:
                return original(cursor, *args, **named)
            text = args[0] if args else named.get("query", "")
            values = args[1] if len(args) > 1 else next((named[name] for name in _VALUES if name in named), None)
            call = statement(text if type(text) is str else _readable(text, cursor), engine, values)
            if named:
                return through(request, call, cursor, partial(original, **named), cursor, *args)
            return through(request, call, cursor, original, cursor, *args)

        return execute

    return wrap


def ends(verb: str, engine: str) -> Wrap:
    """For `connection.commit()` and `rollback()`."""

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def end(connection: Any) -> Any:
            request = current.get()
            if request is None:
                return original(connection)
            return through(request, control(verb, engine), connection, original, connection)

        return end

    return wrap


def subclass(base: type, name: str, methods: dict[str, Any]) -> type:
    """A subclass that looks like its base to everybody who prints it."""
    return type(name, (base,), {**methods, "__module__": base.__module__, "__qualname__": base.__qualname__})


def leaves(connection: Any, kind: Any) -> bool:
    """What `with connection:` does at the end of its block, by methods that are hooked."""
    if kind is not None:
        connection.rollback()
        return False
    try:
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return False


def _readable(text: Any, cursor: Any) -> Any:
    """The statement in an object of psycopg's `sql` modules."""
    as_string = getattr(text, "as_string", None)
    return text if as_string is None else as_string(cursor)
