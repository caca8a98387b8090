"""How a fault at the edge acts on a request: in the app's place before it, around it, or on the answer after it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Callable, Iterable, NoReturn

from chaos_middleware.errors import UnsupportedFault, mark_injected

if TYPE_CHECKING:
    from chaos_middleware.injector import Firing

WsgiApp = Callable[[Any, Any], Iterable[bytes]]


def edge_faults(app: WsgiApp, firings: list[Firing]) -> WsgiApp:
    """`app` with these faults around it, the first of the list outermost."""
    for firing in reversed(firings):
        app = EdgeTarget(app, firing)
    return app


class EdgeTarget:
    """One firing around an application; implements `faults.base.Target` for its fault."""

    def __init__(self, app: WsgiApp, firing: Firing) -> None:
        self._app = app
        self._firing = firing

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self._environ, self._start_response, self._answer = environ, start_response, None
        firing = self._firing
        injector = firing.request.injector
        if firing.rule.phase == "before":
            injector.act(firing, self)
            return self._answer if self._answer is not None else self._app(environ, start_response)
        raise UnsupportedFault("phase after")

    def delay(self, seconds: float, *, blocking: bool) -> None:
        self._firing.request.injector.control.sleep(seconds, blocking=blocking)

    def throw(self, error: Exception) -> NoReturn:
        raise mark_injected(error, self._firing.id)

    def answer(self, status: int, body: bytes) -> None:
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        self._start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        self._answer = [body]
