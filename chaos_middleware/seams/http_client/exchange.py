"""One outbound HTTP call: drawn for, acted on, timed and noted. The drivers put the library's own part in."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING, Any, Callable, NoReturn
from urllib.parse import urlsplit

from chaos_middleware.calls import Call, CallTarget, Exchange
from chaos_middleware.callsite import Way
from chaos_middleware.calm import remember
from chaos_middleware.errors import UnsupportedFault
from chaos_middleware.seams.http_client import wire
from chaos_middleware.seams.http_client.quiet import told_of

if TYPE_CHECKING:
    from chaos_middleware.injector import Firing

_REMEMBERED = 2048
_WITHOUT_CONNECTION = ("connect_timeout", "connection_refused")
_NEED_AN_ANSWER = ("truncated_body",)  # act on an answer that has come, whatever their phase


class HttpCall(Call):
    """`identity` is `METHOD host/path?query`, without the port."""

    __slots__ = ("_query", "way")

    seam = "http_client"
    way: Way

    def __init__(self, method: str, host: str, path: str, query: str = "") -> None:
        super().__init__((method, host, path))
        self._query = query
        self.way = Way()

    @property
    def identity(self) -> str:
        method, host, path = self.facts
        return f"{method} {host}{path}" + (f"?{self._query}" if self._query else "")


class Calls(dict[Any, HttpCall]):
    """The calls met so far, by what a driver knows them by: each is one object, for `chaos_middleware.calm`."""

    def __init__(self, make: Callable[..., HttpCall]) -> None:
        """make: the call of a key that is not there, from the parts of the key."""
        super().__init__()
        self._make = make

    def __missing__(self, key: tuple[Any, ...]) -> HttpCall:
        if len(self) >= _REMEMBERED:
            self.clear()
        found = self[key] = self._make(*key)
        return found


def http_call(method: str, host: str, url: str) -> HttpCall:
    """`url`: a path with its query, or absolute through a forwarding proxy."""
    if url[:1] != "/":
        parts = urlsplit(url)
        host, url = parts.hostname or host, parts._replace(scheme="", netloc="").geturl()
    path, _, query = url.partition("?")
    return HttpCall(method, host, path, query)


class HttpExchange(Exchange):
    """`connect` is the caller's connect timeout in seconds, `limit` its read timeout; None where it has none. Both are
    there from `before` on: a call without a fault needs neither.

    `answer` holds the bytes of an answer that is to be played in the place of the real one, `cut_by` the event that
    broke it off. `headers` are those that the caller sends, by their names.
    """

    connect: float | None = None
    answer: bytes | None = None
    cut_by: str | None = None
    response: Any = None
    headers: Any = None

    @property
    def needs_answer(self) -> bool:
        """Whether a fault wants the answer as it came, unread."""
        return any(firing.fault.name in _NEED_AN_ANSWER for firing in self.firings)

    def before(self) -> None:
        """Let the faults act that come before the call."""
        self.connect, self.limit = self.timeouts()
        self._act(self.due(late=False))

    def after(self, response: Any) -> None:
        """Let the faults act that come after the call."""
        self.response, self.answer = response, None
        self._act(self.due(late=True))

    def due(self, *, late: bool) -> list[Firing]:
        """The firings before the call, or those after it."""
        return [firing for firing in self.firings if _is_late(firing) is late]

    def timeouts(self) -> tuple[float | None, float | None]:
        """The caller's connect and read timeouts in seconds."""
        raise NotImplementedError

    def timeout(self) -> Any:
        timeouts = self.timeouts()
        return None if timeouts == (None, None) else timeouts

    def record(self) -> dict[str, Any]:
        """The ledger's fields of this call."""
        return {**super().record(), **told_of(self.headers)}

    def connect_timed_out(self) -> Exception:
        """The error of this library when no connection comes about in time."""
        raise NotImplementedError

    def refused(self) -> Exception:
        """The error of this library where nobody listens."""
        return ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))

    def was_reset(self) -> Exception:
        """The error of this library when the peer resets the connection."""
        return ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))

    def raw(self) -> Any:
        """The answer that came, as `http.client.HTTPResponse`."""
        return self.response

    def note(self) -> None:
        super().note()
        if self.occurrence is None:
            remember(self.request, self.call, self.call.seam, self.call.facts)

    def _act(self, firings: list[Firing]) -> None:
        for firing in firings:
            self.request.injector.act(firing, HttpTarget(self, firing))
            if self.answer is not None:
                return  # the call has its answer: further faults find nothing to act on


class HttpTarget(CallTarget):
    """One firing at one HTTP call."""

    place = "an HTTP call"
    exchange: HttpExchange

    def fail(self, how: str, give_up: float = 0.0) -> NoReturn:
        exchange = self.exchange
        if how in _WITHOUT_CONNECTION and exchange.response is not None:
            raise UnsupportedFault(f"{how} has no `after`: a call that was made had its connection")
        if how == "connection_refused":
            self.fail_with(exchange.refused())
        if how == "connect_timeout":
            self.sleep(give_up if exchange.connect is None else exchange.connect)
            self.fail_with(exchange.connect_timed_out())
        left = exchange.left()
        if how == "read_timeout":
            self.sleep(give_up if left is None else left)
            if left is not None:
                self.fail_with(exchange.timed_out())
        self.fail_with(exchange.was_reset())

    def answer(self, status: int, body: bytes) -> None:
        self.exchange.answer = wire.answer(status, body)
        self.firing.did = str(status)

    def truncate(self, keep: float) -> None:
        exchange = self.exchange
        exchange.answer, self.firing.did = wire.cut(exchange.raw(), keep)
        exchange.cut_by = self.firing.id

    def garble(self, body: bytes) -> None:
        exchange = self.exchange
        exchange.answer = wire.answer(200, body) if exchange.response is None else wire.with_body(exchange.raw(), body)
        self.firing.did = f"{len(body)} other bytes"


def seconds(timeout: Any) -> float | None:
    """A timeout as the libraries have it: a number, None for none, or a mark for the process's default."""
    number: float | None = timeout
    return number if number is None or isinstance(number, (int, float)) else socket.getdefaulttimeout()


def _is_late(firing: Firing) -> bool:
    return firing.rule.phase == "after" or firing.fault.name in _NEED_AN_ANSWER
