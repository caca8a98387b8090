"""`sqlite3`: its classes are in C, so `connect` gives subclasses of them, or of the caller's own `factory`.

Not seen: connections made before, by a name imported before, by `sqlite3.Connection(...)` itself, or by a factory that
is no class or makes its cursors itself.
"""

from __future__ import annotations

import sys
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, Callable

from chaos_middleware.request import current
from chaos_middleware.seams.database.drivers.hooks import PLAIN, ends, executes, leaves, seen_above, subclass

if TYPE_CHECKING:
    from types import ModuleType

_FACTORY = 5  # the place of `factory` among connect's positional arguments
_EXECUTES = ("execute", "executemany", "executescript")
MODULES = ("sqlite3", "sqlite3.dbapi2")


def connect(original: Callable[..., Any]) -> Callable[..., Any]:
    """`connect`, which gives connections whose calls are seen."""

    @wraps(original)
    def connect(*args: Any, **kwargs: Any) -> Any:
        if seen_above.get():
            return original(*args, **kwargs)
        base = sys.modules["sqlite3.dbapi2"].Connection
        if len(args) > _FACTORY:
            return original(*args[:_FACTORY], _connection_class(args[_FACTORY], base), *args[_FACTORY + 1 :], **kwargs)
        return original(*args, **{**kwargs, "factory": _connection_class(kwargs.get("factory", base), base)})

    return connect


@lru_cache(maxsize=64)
def _connection_class(factory: Any, base: type) -> Any:
    if not isinstance(factory, type) or not issubclass(factory, base) or factory.cursor is not base.cursor:  # type: ignore[attr-defined]  # it has one
        return factory
    make, leave = factory.cursor, factory.__exit__  # type: ignore[attr-defined]  # a connection's

    usual = _cursor_class(sys.modules["sqlite3.dbapi2"].Cursor)

    def cursor(connection: Any, factory: Any = None) -> Any:
        return make(connection, usual if factory is None else _cursor_class(factory))

    def exit_block(connection: Any, kind: Any, error: Any, traceback: Any) -> Any:
        if current.get() is None or not connection.in_transaction or getattr(connection, "autocommit", None) is True:
            return leave(connection, kind, error, traceback)
        return leaves(connection, kind)

    methods = {name: ends(name.upper(), "sqlite")(getattr(factory, name)) for name in ("commit", "rollback")}
    methods.update({name: _by_cursor(name, getattr(factory, name)) for name in _EXECUTES})
    return subclass(factory, factory.__name__, {**methods, "cursor": cursor, "__exit__": exit_block})


def _by_cursor(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """A connection's `execute` and its like: what the documentation says that they do."""

    @wraps(original)
    def execute(connection: Any, *args: Any) -> Any:
        if current.get() is None:
            return original(connection, *args)
        return getattr(connection.cursor(), name)(*args)

    return execute


@lru_cache(maxsize=64)
def _cursor_class(factory: Any) -> Any:
    if not isinstance(factory, type):
        return factory
    methods = {name: executes("sqlite")(getattr(factory, name)) for name in _EXECUTES}
    kind = subclass(factory, factory.__name__, methods)
    if factory is sys.modules["sqlite3.dbapi2"].Cursor:
        PLAIN[kind] = factory.execute
    return kind


class Connect:
    """Replaces `connect` under both names that it has."""

    _original: Any = None
    _ours: Any = None

    def apply(self, module: ModuleType) -> None:
        """Replace it, unless it is done already."""
        there = vars(module)["connect"]
        PLAIN[module.Cursor] = module.Cursor.execute
        if there is not self._ours:
            if there is not self._original:
                self._original, self._ours = there, connect(there)
            module.connect = self._ours  # type: ignore[attr-defined]  # it has one

    def undo(self) -> None:
        """Put the very function back."""
        for name in MODULES:
            module: Any = sys.modules.get(name)
            if module is not None and module.connect is self._ours:
                module.connect = self._original
