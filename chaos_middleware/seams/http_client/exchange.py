"""One outbound HTTP call: drawn for, acted on, timed and noted. The drivers put the library's own part in."""

from __future__ import annotations

import errno
import os
import socket
from time import monotonic, time
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from chaos_middleware.errors import UnsupportedFault, mark_injected
from chaos_middleware.plans import Call
from chaos_middleware.seams.http_client import wire

if TYPE_CHECKING:
    from chaos_middleware.injector import Firing
    from chaos_middleware.request import Request

_NEED_AN_ANSWER = ("truncated_body",)  # act on an answer that has come, whatever their phase


class Exchange:
    """A call on its way. `connect` and `read` are the caller's timeouts in seconds, None where it has none.

    `answer` holds the bytes of an answer that is to be played in the place of the real one, `cut_by` the event that
    broke it off; `delayed_by` is the event whose delay has used up a part of the caller's time.
    """

    answer: bytes | None = None
    cut_by: str | None = None
    delayed_by: str | None = None
    response: Any = None
    status: int | None = None
    error: BaseException | None = None

    def __init__(self, request: Request, method: str, host: str, url: str, timeout: tuple[Any, Any]) -> None:
        """`url`: a path with its query, or absolute through a forwarding proxy; `timeout`: as the library has it."""
        if url[:1] != "/":
            parts = urlsplit(url)
            host, url = parts.hostname or host, parts._replace(scheme="", netloc="").geturl()
        path, _, query = url.partition("?")
        call = Call("http_client", method, host, path, query)
        self.connect, self.read = _seconds(timeout[0]), _seconds(timeout[1])
        self.request = request
        self.target = call.identity
        self.started, self._clock = time(), monotonic()
        self.occurrence, self.firings = request.injector.reach(request, call)
        self.site = request.injector.frames.nearest()
        for firing in self.firings:
            firing.site = self.site

    @property
    def needs_answer(self) -> bool:
        """Whether a fault wants the answer as it came, unread."""
        return any(firing.fault.name in _NEED_AN_ANSWER for firing in self.firings)

    def left(self) -> float | None:
        """What is left of the caller's read timeout in seconds, or None where it has none."""
        return None if self.read is None else max(0.0, self.read - (monotonic() - self._clock))

    def before(self) -> None:
        """Let the faults act that come before the call."""
        self._act([firing for firing in self.firings if not _is_late(firing)])

    def after(self, response: Any) -> None:
        """Let the faults act that come after the call."""
        self.response, self.answer = response, None
        self._act([firing for firing in self.firings if _is_late(firing)])

    def note(self) -> None:
        """The call has ended."""
        request, injector = self.request, self.request.injector
        faults = []
        for firing in self.firings:
            if firing.id in request.faults:
                faults.append(firing.id)
            injector.leave_out(firing)
        injector.note_call(
            request,
            seam="http_client",
            target=self.target,
            occurrence=self.occurrence,
            site=self.site and self.site._asdict(),
            started=self.started,
            seconds=monotonic() - self._clock,
            status=self.status,
            error=type(self.error).__name__ if self.error is not None else None,
            timeout=None if self.connect is self.read is None else (self.connect, self.read),
            faults=faults,
        )

    def connect_timed_out(self) -> Exception:
        """The error of this library when no connection comes about in time."""
        raise NotImplementedError

    def read_timed_out(self) -> Exception:
        """The error of this library when no answer comes in time."""
        raise NotImplementedError

    def raw(self) -> Any:
        """The answer that came, as `http.client.HTTPResponse`."""
        return self.response

    def _act(self, firings: list[Firing]) -> None:
        for firing in firings:
            self.request.injector.act(firing, _Target(self, firing))
            if self.answer is not None:
                return  # the call has its answer: further faults find nothing to act on


class _Target:
    """One firing at one call; implements `faults.base.Target`."""

    def __init__(self, exchange: Exchange, firing: Firing) -> None:
        self._exchange = exchange
        self._firing = firing
        self._control = firing.request.injector.control

    def delay(self, seconds: float, *, blocking: bool) -> None:
        left = self._exchange.left()
        if left is None or seconds < left:
            self._sleep(seconds, blocking=blocking)
            self._exchange.delayed_by = self._firing.id
            return
        self._sleep(left, blocking=blocking)
        if self._control.stopped() is None:  # else it was woken, and the call goes on
            self._raise(self._exchange.read_timed_out())

    def fail(self, how: str, give_up: float = 0.0) -> NoReturn:
        exchange = self._exchange
        if how == "connect_timeout":
            if exchange.response is not None:
                raise UnsupportedFault("connect_timeout has no `after`: a call that was made had its connection")
            self._sleep(give_up if exchange.connect is None else exchange.connect)
            self._raise(exchange.connect_timed_out())
        left = exchange.left()
        if how == "read_timeout":
            self._sleep(give_up if left is None else left)
            if left is not None:
                self._raise(exchange.read_timed_out())
        self._raise(ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)))

    def throw(self, error: Exception) -> NoReturn:
        raise UnsupportedFault(f"{type(error).__name__} is no failure of an HTTP call")

    def answer(self, status: int, body: bytes) -> None:
        self._exchange.answer = wire.answer(status, body)
        self._firing.did = str(status)

    def slow(self, bytes_per_second: float, max_seconds: float) -> None:  # noqa: ARG002 - it has no such fault
        raise UnsupportedFault("slow_body is a fault of the edge only")

    def truncate(self, keep: float) -> None:
        exchange = self._exchange
        exchange.answer, self._firing.did = wire.cut(exchange.raw(), keep)
        exchange.cut_by = self._firing.id

    def garble(self, body: bytes) -> None:
        exchange = self._exchange
        exchange.answer = wire.answer(200, body) if exchange.response is None else wire.with_body(exchange.raw(), body)
        self._firing.did = f"{len(body)} other bytes"

    def _sleep(self, seconds: float, *, blocking: bool = False) -> None:
        self._control.sleep(seconds, blocking=blocking)

    def _raise(self, error: Exception) -> NoReturn:
        raise mark_injected(error, self._firing.id)


def _seconds(timeout: Any) -> float | None:
    """A timeout as the libraries have it: a number, None for none, or a mark for the process's default."""
    seconds: float | None = timeout
    return seconds if seconds is None or isinstance(seconds, (int, float)) else socket.getdefaulttimeout()


def _is_late(firing: Firing) -> bool:
    return firing.rule.phase == "after" or firing.fault.name in _NEED_AN_ANSWER
