"""The edge: the request as it comes in and the answer as it goes out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

from chaos_middleware import unseen
from chaos_middleware.answers import StartResponse, WsgiApp
from chaos_middleware.connection import Severed
from chaos_middleware.flask_signals import FlaskSignals
from chaos_middleware.headers import (
    DEFAULT_STAGE,
    KEY_ENVIRON,
    STAGE_ENVIRON,
    VALID_KEY,
    VALID_STAGE,
)
from chaos_middleware.request import Request, current
from chaos_middleware.seams.edge import edge_faults
from chaos_middleware.seams.process import Windows

if TYPE_CHECKING:
    from chaos_middleware.injector import Injector

_VALID_KEY = VALID_KEY.match
_REMEMBERED_STAGES = 1000
_FORWARDED = "HTTP_X_FORWARDED_FOR"


class Edge:
    """A WSGI application around another one, whose keyed requests meet the rules of the `wsgi` seam."""

    def __init__(self, app: WsgiApp, injector: Injector) -> None:
        self._app = app
        self._injector = injector
        self._scope_all = injector.experiment.scope == "all"
        self._allow_remote = injector.experiment.safety.allow_remote
        self._anonymous = count()
        self._near: set[str | None] = set()  # addresses known to be this machine's
        self._stages: set[str] = set()
        self._windows = Windows(injector)
        self._signals = FlaskSignals(app, injector)

    def uninstall(self) -> None:
        """Take the receivers of the framework's signals away."""
        self._signals.disconnect()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        key = environ.get(KEY_ENVIRON)
        if key is None or _VALID_KEY(key) is None:
            key = self._anonymous_key()
        if key is None or (
            (environ.get("REMOTE_ADDR") not in self._near or _FORWARDED in environ) and not self._may_have(environ)
        ):
            current.set(None)  # a server that did not close the last body must not hand its request on
            return self._app(environ, start_response)
        outer = current.get()
        if outer is not None and outer.environ is environ:  # the app is wrapped twice
            return self._app(environ, start_response)
        stage = environ.get(STAGE_ENVIRON, DEFAULT_STAGE)
        if stage not in self._stages:
            stage = self._known_stage(stage)
        request, firings = self._injector.open(key, stage, environ)
        request.start_response = start_response
        current.set(request)
        try:
            app = edge_faults(self._app, firings, in_framework=self._signals.heard) if firings else self._app
            body = app(environ, request.start)
        except BaseException as error:
            _note_error(request, error)
            _leave(request)
            raise
        if type(body) in (list, tuple) or _is_file(body, environ):
            _leave(request)  # nothing of the app runs while the server sends these
            return body
        return _Body(body, request)

    def _anonymous_key(self) -> str | None:
        return f"anon.{os.getpid()}.{next(self._anonymous)}" if self._scope_all else None

    def _may_have(self, environ: dict[str, Any]) -> bool:
        """Whether this client may have faults: one on this machine, also behind a proxy here, or any where the
        experiment allows it.
        """
        if self._allow_remote:
            return True
        address = environ.get("REMOTE_ADDR")
        if not _is_near(address):
            return False
        self._near.add(address)
        return all(map(_is_near, environ.get(_FORWARDED, "").replace(" ", "").split(",")))

    def _known_stage(self, stage: str) -> str:
        if VALID_STAGE.match(stage) is None:
            stage = DEFAULT_STAGE
        if stage not in self._stages and len(self._stages) < _REMEMBERED_STAGES:
            self._stages.add(stage)
            self._windows.enter(stage)
            unseen.tell(self._injector.ledger)
        return stage


def _is_near(address: str | None) -> bool:
    """Whether this machine has this address; a client on a Unix socket has none."""
    return address in {None, "", "::1"} or address.startswith(("127.", "::ffff:127."))


class _Body:
    """The app's body; the request stays the current one until the server closes it."""

    __slots__ = ("_body", "_request")

    def __init__(self, body: Iterable[bytes], request: Request) -> None:
        self._body = body
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._body
        except Exception as error:
            _note_error(self._request, error)
            raise

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            _leave(self._request)


def _is_file(body: Iterable[bytes], environ: dict[str, Any]) -> bool:
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)  # a few servers have a function there


def _note_error(request: Request, error: BaseException) -> None:
    if not isinstance(error, Severed):
        request.error = error


def _leave(request: Request) -> None:
    request.injector.close(request)
    request.error = None  # its traceback leads back to this request
    if current.get() is request:
        current.set(None)
