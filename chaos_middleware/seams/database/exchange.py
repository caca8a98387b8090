"""One call of a database: drawn for, acted on, timed and noted. The drivers' hooks say what is called."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable

from chaos_middleware.calls import Exchange
from chaos_middleware.calm import is_calm, remember
from chaos_middleware.errors import mark_injected
from chaos_middleware.plans import NOTHING
from chaos_middleware.request import current
from chaos_middleware.seams.database.call import DatabaseCall
from chaos_middleware.seams.database.pool import ENDED
from chaos_middleware.seams.database.quiet import Quiet
from chaos_middleware.seams.database.target import DatabaseTarget

if TYPE_CHECKING:
    from chaos_middleware.request import Request
    from chaos_middleware.seams.database.statements import Parsed

_OUR_FRAMES = 3  # the constructor, and the two functions below, before the hook


def through(
    request: Request, about: Parsed, values: Any, subject: Any, original: Callable[..., Any], *args: Any
) -> Any:
    """`original(*args)` with the faults of this call. `values`: those of the statement, as the driver gets them;
    `subject`: the cursor, connection or pool that is called.

    Meanwhile there is no current request, so that nothing is counted twice: not by the driver below SQLAlchemy, not by
    the statements that a pool sends to try or set up a connection.
    """
    if not is_calm(request, about):
        return _watched(request, about, values, subject, partial(original, *args))
    spot = request.injector.frames.along(about, 1)
    token, failed, began = current.set(None), None, monotonic()
    try:
        return original(*args)
    except BaseException as error:
        failed = failure(error, subject)
        raise
    finally:
        current.reset(token)
        request.calls.append((Quiet, about, values, spot, began, monotonic(), failed))


def failure(error: BaseException, subject: Any) -> str:
    """The class of a call's error, which is marked where a fault has ended the connection before."""
    if ENDED:
        _mark_ended(error, subject)
    return type(error).__name__


def _watched(request: Request, about: Parsed, values: Any, subject: Any, original: Callable[[], Any]) -> Any:
    """A call that a rule is for, or that has not been seen here before."""
    exchange = DatabaseExchange(request, about, values)
    token = current.set(None)
    try:
        if exchange.firings:
            return exchange.faulted(subject, original)
        return original()
    except BaseException as error:
        exchange.error = error
        failure(error, subject)
        raise
    finally:
        current.reset(token)
        exchange.note()
        if exchange.occurrence is None:
            remember(request, about, "database", about.facts)


class DatabaseExchange(Exchange):
    """A call of a database. `result`: what the driver answered, once it is `done`."""

    done = False
    result: Any = None
    subject: Any
    original: Callable[[], Any]

    def __init__(self, request: Request, about: Parsed, values: Any) -> None:
        # Not the base's, which wants a call: it is made where somebody asks for it.
        self._clock = monotonic()
        self.request = request
        self._about = about
        self._values = values
        self.error, self.firings = None, ()
        injector = request.injector
        self._spot = injector.frames.along(about, _OUR_FRAMES)
        if injector.places.get((request.stage, request.path, "database", about.facts)) is not NOTHING:
            self.occurrence, self.firings = injector.reach(request, self.call)
            for firing in self.firings:
                firing.site = self.site

    @property
    def call(self) -> DatabaseCall:  # type: ignore[override]  # the base has it as an attribute
        """What is called."""
        return DatabaseCall(self._about, self._values)

    def faulted(self, subject: Any, original: Callable[[], Any]) -> Any:
        """The call with its faults around it."""
        self.subject, self.original = subject, original
        self._act("before")
        self.proceed()
        self._act("after")
        return self.result

    def proceed(self) -> None:
        """The call itself, unless it has been made."""
        if not self.done:
            self.result = self.original()
            self.done = True

    @property
    def connection(self) -> Any:
        """The driver's own connection."""
        return _connection(self.subject)

    def _act(self, phase: str) -> None:
        for firing in self.firings:
            if firing.rule.phase == phase and (phase == "after" or not self.done):
                self.request.injector.act(firing, DatabaseTarget(self, firing))


def _connection(subject: Any) -> Any:
    """The driver's own connection behind a cursor, SQLAlchemy's wrapping of a connection, or itself."""
    return getattr(subject, "dbapi_connection", None) or getattr(subject, "connection", subject)


def _mark_ended(error: BaseException, subject: Any) -> None:
    """Mark the error as injected where it comes from a connection that `stale_connections` has ended."""
    with suppress(TypeError):  # a pool, or a driver's object without weak references
        event = ENDED.pop(_connection(subject), None)
        if event is not None and isinstance(error, Exception):
            mark_injected(error, event)
