"""What the drivers' hooks share: a method that is a statement, a method that ends a transaction, and subclasses of
classes in C, whose methods cannot be replaced.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, Callable

from chaos_middleware.request import current
from chaos_middleware.seams.database.exchange import through
from chaos_middleware.seams.database.statements import STATEMENTS, control

Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]

seen_above: ContextVar[bool] = ContextVar("chaos_seen_above", default=False)  # who connects has hooks of its own
PLAIN: dict[type, Callable[..., Any]] = {}  # classes of cursors in C, and their subclasses here -> what executes
_VALUES = ("params", "vars", "args")  # as the drivers call them


def executes(engine: str) -> Wrap:
    """For `cursor.execute(text, values)` and its like."""
    statements = STATEMENTS[engine]

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def execute(cursor: Any, *args: Any, **named: Any) -> Any:
            request = current.get()
            if request is None:
                return original(cursor, *args, **named)
            text = args[0] if args else named.get("query", "")
            values = args[1] if len(args) > 1 else next((named[name] for name in _VALUES if name in named), None)
            about = statements[text if type(text) is str else _readable(text, cursor)]
            if named:
                return through(request, about, values, cursor, partial(original, **named), cursor, *args)
            return through(request, about, values, cursor, original, cursor, *args)

        return execute

    return wrap


def ends(verb: str, engine: str) -> Wrap:
    """For `connection.commit()` and `rollback()`."""

    about = control(verb, engine)

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def end(connection: Any) -> Any:
            request = current.get()
            if request is None:
                return original(connection)
            return through(request, about, None, connection, original, connection)

        return end

    return wrap


def quietly(original: Callable[..., Any]) -> Callable[..., Any]:
    """For what is no call of the request that happens to need it: what sets a connection up, and the rollback with
    which a pool takes one back.
    """

    @wraps(original)
    def quiet(*args: Any, **kwargs: Any) -> Any:
        if current.get() is None:
            return original(*args, **kwargs)
        token = current.set(None)
        try:
            return original(*args, **kwargs)
        finally:
            current.reset(token)

    return quiet


def subclass(base: type, name: str, methods: dict[str, Any]) -> type:
    """A subclass that looks like its base to who prints it, and takes no attributes that the base does not."""
    looks = {"__slots__": (), "__module__": base.__module__, "__qualname__": base.__qualname__}
    return type(name, (base,), {**methods, **looks})


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


def _readable(text: Any, cursor: Any) -> str:
    """A statement that is not text: bytes, or an object of psycopg's `sql` modules."""
    if isinstance(text, (bytes, bytearray)):
        return text.decode(errors="replace")
    as_string = getattr(text, "as_string", None)
    return str(text) if as_string is None else str(as_string(cursor))
