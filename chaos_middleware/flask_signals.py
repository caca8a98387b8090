"""What Flask tells and lets one do inside a request, through its own signals and without touching the app.

An exception raised in the signal `request_started` is seen by the app's and the blueprints' error handlers, as one of
the view's own would be; in `request_finished` by the handler of status 500. Flask also tells the route's template
there, and the exceptions that no handler took.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from chaos_middleware.request import Request, current

if TYPE_CHECKING:
    from chaos_middleware.injector import Injector

_MOST_OBJECTS = 2000
_LEAVES = (str, bytes, int, float, type, ModuleType, type(None))


class FlaskSignals:
    """Receivers for the requests of one injector. `heard` is False where there is no Flask, or one without signals."""

    def __init__(self, app: Any, injector: Injector) -> None:
        self._injector = injector
        self.heard = _holds_flask(app) and self._connect()

    def disconnect(self) -> None:
        """Take the receivers away."""
        if self.heard:
            for signal, receiver in self._receivers():
                signal.disconnect(receiver)
        self.heard = False

    def _connect(self) -> bool:
        try:
            for signal, receiver in self._receivers():
                signal.connect(receiver)
        except RuntimeError:  # Flask before 2.3 without blinker
            return False
        return True

    def _receivers(self) -> tuple[tuple[Any, Any], ...]:
        flask = sys.modules["flask"]
        return (
            (flask.request_started, self._started),
            (flask.request_finished, self._finished),
            (flask.got_request_exception, self._excepted),
        )

    def _mine(self) -> Request | None:
        request = current.get()
        return request if request is not None and request.injector is self._injector else None

    def _started(self, _: Any, **__: Any) -> None:
        request = self._mine()
        if request is None:
            return
        rule = sys.modules["flask"].request.url_rule
        if rule is not None:
            request.route = request.environ.get("SCRIPT_NAME", "") + rule.rule
        request.raise_pending("before")

    def _finished(self, _: Any, **__: Any) -> None:
        request = self._mine()
        if request is not None:
            request.raise_pending("after")

    def _excepted(self, _: Any, exception: BaseException, **__: Any) -> None:
        request = self._mine()
        if request is not None:
            request.error = exception


def _holds_flask(app: Any) -> bool:
    """Whether a Flask application stands behind `app`: it itself, its bound `wsgi_app`, or inside other middleware."""
    flask = sys.modules.get("flask")
    if flask is None:
        return False
    seen: set[int] = set()
    waiting = [app]
    while waiting and len(seen) < _MOST_OBJECTS:
        item = waiting.pop()
        if issubclass(type(item), flask.Flask):
            return True
        if id(item) not in seen and not issubclass(type(item), _LEAVES):
            seen.add(id(item))
            waiting += _held(item)
    return False


def _held(item: Any) -> list[Any]:
    """What an object that may be middleware holds. Nothing of its own code runs: it may be a lazy proxy."""
    kind = type(item)
    held: list[Any] = []
    if issubclass(kind, dict):
        held += dict.values(item)
    elif kind in {list, tuple, set, frozenset}:
        held += item
    elif kind is MethodType:
        held.append(item.__self__)
    elif issubclass(kind, partial):
        held += [item.func, *item.args, *item.keywords.values()]
    elif kind is FunctionType:
        held += [cell.cell_contents for cell in item.__closure__ or () if _filled(cell)]
        held += [item.__globals__[name] for name in item.__code__.co_names if name in item.__globals__]
    else:
        with suppress(Exception):  # it has no such attribute, or makes one up
            held += object.__getattribute__(item, "__dict__").values()
    return held


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - asking is the only way
    except ValueError:
        return False
    return True
