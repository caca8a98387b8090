"""How a fault at the edge acts on a request: in the app's place before it, around it, or on the answer after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

from chaos_middleware import connection
from chaos_middleware.answers import Answer, Outgoing, StartResponse, WsgiApp, slowed, truncated
from chaos_middleware.errors import mark_injected
from chaos_middleware.faults.base import Target
from chaos_middleware.incoming import lengthen

if TYPE_CHECKING:
    from chaos_middleware.injector import Firing

_HOLD_UP = ("noop", "latency")
_ON_THE_BODY = ("slow_body", "truncated_body", "large_body")


def edge_faults(app: WsgiApp, firings: list[Firing], *, in_framework: bool) -> WsgiApp:
    """`app` with these faults around it.

    From the outside: what holds the request up, what changes the body, what acts after the app, and innermost what
    answers or fails in the app's place. So as many as can act do; of several that stand in the app's place it is the
    first. `in_framework`: exceptions are raised by the framework's own signals, so only the app stands within one.
    """
    served = app
    for firing in reversed(sorted(firings, key=_layer)):  # noqa: C413 - unlike reverse=True it turns equals round too
        in_signal = in_framework and firing.fault.name == "exception"
        inner = app if in_signal and firing.rule.phase == "before" else served
        served = EdgeTarget(inner, firing, in_signal=in_signal)
    return served


def _layer(firing: Firing) -> int:
    name = firing.fault.name
    if firing.rule.phase == "after":
        return 2
    return 0 if name in _HOLD_UP else 1 if name in _ON_THE_BODY else 3


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Injected"


class EdgeTarget(Target):
    """One firing around an application."""

    place = "the edge"

    _environ: dict[str, Any]
    _reply: tuple[int, bytes] | None = None
    _change: Callable[[Answer], Iterator[bytes]] | None = None

    def __init__(self, app: WsgiApp, firing: Firing, *, in_signal: bool) -> None:
        self._app = app
        self._firing = firing
        self._injector = firing.request.injector
        self._in_signal = in_signal

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Serve the request with the fault."""
        self._environ = environ
        if self._in_signal:
            return self._inside(environ, start_response)
        if self._firing.rule.phase == "after":
            return self._after(environ, start_response)
        with ExitStack() as effect:
            if effect.enter_context(self._injector.run(self._firing)):
                self._injector.perform(self._firing, self)
            if self._reply is not None:
                return self._send_reply(start_response)
            if self._change is not None:
                answer = Answer(self._app, environ)
                answer.begin(start_response)
                body = self._change(answer) if answer.has_body(environ["REQUEST_METHOD"]) else answer.body()
                return Outgoing(body, answer, effect.pop_all())
        return self._app(environ, start_response)

    def _inside(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Let the framework's signal raise the error; where none comes, raise it here."""
        request, phase = self._firing.request, self._firing.rule.phase
        request.pending = {phase: self._act, **(request.pending or {})}  # of several the first
        body = self._app(environ, start_response)
        if phase in request.pending:
            close = getattr(body, "close", None)
            if close is not None:
                close()
            request.raise_pending(phase)
        return body

    def _after(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """The app runs, and whatever it did, the fault acts before the answer goes on."""
        answer, failed = None, None
        try:
            answer = Answer(self._app, environ)
        except Exception as error:
            failed = error
        with ExitStack() as unless_sent:
            if answer is not None:
                unless_sent.callback(answer.close)
            self._act()
            if self._reply is not None:
                return self._send_reply(start_response)
            if answer is None:
                assert failed is not None
                raise failed
            answer.begin(start_response)
            unless_sent.pop_all()
        return Outgoing(answer.body(), answer)

    def _act(self) -> None:
        self._injector.act(self._firing, self)

    def _send_reply(self, start_response: StartResponse) -> list[bytes]:
        assert self._reply is not None
        status, body = self._reply
        headers = [("Content-Type", "application/json")]
        is_head = self._environ["REQUEST_METHOD"] == "HEAD"
        if not is_head:
            headers.append(("Content-Length", str(len(body))))
        start_response(f"{status} {_phrase(status)}", headers)
        return [] if is_head else [body]

    def delay(self, seconds: float, *, blocking: bool) -> None:
        """Sleep."""
        self._injector.control.sleep(seconds, blocking=blocking)

    def fail(self, how: str, give_up: float = 0.0) -> NoReturn:
        """Reset the client's connection."""
        if how != "connection_reset":
            super().fail(how, give_up)
        connection.descriptor(self._environ)
        self._firing.did = "reset"
        connection.reset(self._environ)

    def throw(self, error: Exception) -> NoReturn:
        """Raise it: here, or within the framework's signal."""
        raise mark_injected(error, self._firing.id)

    def answer(self, status: int, body: bytes) -> None:
        """Answer the client."""
        self._firing.did = str(status)
        self._reply = status, body

    def slow(self, bytes_per_second: float, max_seconds: float) -> None:
        """Let the body go out slowly."""
        sleep = self._injector.control.sleep
        self._change = lambda answer: slowed(answer.body(), bytes_per_second, max_seconds, sleep)

    def truncate(self, keep: float) -> None:
        """Break the connection off in mid-body."""
        connection.descriptor(self._environ)
        self._change = lambda answer: truncated(answer.body(), answer.size, keep, self._breaker(answer))

    def lengthen(self, size: int) -> None:
        """Let the app read more than the client sent; what it has read is told when its answer is over."""

        def told(taken: int) -> None:
            self._firing.did = f"{taken} of {size} bytes read"

        lengthen(self._environ, size, told)
        told(0)
        self._change = Answer.body

    def _breaker(self, answer: Answer) -> Callable[[int], NoReturn]:
        """An early end of file shows only where a length was announced; elsewhere it takes a reset."""
        break_off = connection.reset if answer.length is None else connection.end

        def broken_off(sent: int) -> NoReturn:
            self._firing.did = f"{sent} bytes sent"
            break_off(self._environ)

        return broken_off
