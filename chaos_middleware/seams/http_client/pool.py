"""Driver for urllib3's pools, at `HTTPConnectionPool._make_request`: one attempt with its timeouts, below retries."""

from __future__ import annotations

from sys import _getframe
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from chaos_middleware.calm import is_calm
from chaos_middleware.errors import mark_injected
from chaos_middleware.patching import parameters, unless
from chaos_middleware.request import current
from chaos_middleware.seams.http_client import wire
from chaos_middleware.seams.http_client.exchange import Calls, HttpExchange, http_call, seconds
from chaos_middleware.seams.http_client.quiet import Quiet, keep

if TYPE_CHECKING:
    from chaos_middleware.callsite import Spot
    from chaos_middleware.request import Request
    from chaos_middleware.seams.http_client.exchange import HttpCall

_CALLS = Calls(http_call)


def make_request(original: Callable[..., Any]) -> Callable[..., Any]:
    """`_make_request`, with faults for the calls of a current request."""
    names = parameters(original)
    timeout, headers = (names.index(name) if name in names else 0 for name in ("timeout", "headers"))
    made = _Made(original, names, timeout, headers)

    def noted(request: Request, attempt: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = _CALLS[attempt[2], attempt[0].host, attempt[3]]
        if kwargs or not timeout or not headers or not (call in request.calm or is_calm(request, call)):
            return _watched(request, call, made, attempt, kwargs)
        frame, last = None, call.way.last
        if last is not None:  # `AppFrames.along`, written out, as `keep` is below: each frame less is felt
            try:
                frame = _getframe(last[0] + 2)
            except ValueError:  # there are fewer
                frame = None
        if frame is not None and last is not None and frame.f_code is last[1]:
            spot: Spot | None = (last[2], last[1], frame.f_lasti)
        else:
            spot = request.injector.frames.along(call.way, 3)  # the hook, and the library's own `urlopen`
        status, failed = None, None
        begun = (call, spot, _timeouts, attempt[timeout], attempt[headers], monotonic())
        try:
            response = original(*attempt)
            status = response.status
        except BaseException as error:
            failed = type(error).__name__
            raise
        finally:
            if request.faults:  # it has met some meanwhile
                keep(request, begun, status, failed)
            else:
                request.calls.append((Quiet, begun, monotonic(), status, failed))
        return response

    return unless(current.get, original, noted)


class _Made(NamedTuple):
    """How an attempt is made: the library's own function, the names of its parameters, and the places of two, or 0."""

    original: Callable[..., Any]
    names: tuple[str, ...]
    timeout: int
    headers: int


def _watched(request: Request, call: HttpCall, made: _Made, attempt: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    exchange = _PoolExchange(request, call)
    exchange.asked = attempt[made.timeout] if made.timeout else kwargs.get("timeout", attempt[0].timeout)
    exchange.headers = attempt[made.headers] if made.headers else kwargs.get("headers")
    try:
        if exchange.firings:
            given = {**dict(zip(made.names[4:], attempt[4:])), **kwargs}
            response = exchange.faulted(made.original, attempt[:4], given)
        else:
            response = made.original(*attempt, **kwargs) if kwargs else made.original(*attempt)
        exchange.status = response.status
    except BaseException as error:
        exchange.error = error
        raise
    finally:
        exchange.note()
    return response


def _timeouts(timeout: Any) -> tuple[float | None, float | None]:
    """As the caller gave them, with the bound on both together applied."""
    if not hasattr(timeout, "total"):  # what is private in urllib3 was called by hand
        return seconds(timeout), seconds(timeout)
    if timeout.total is not None:
        timeout = timeout.clone()
        timeout.start_connect()  # only then it knows the rest
    return seconds(timeout.connect_timeout), seconds(timeout.read_timeout)


class _PoolExchange(HttpExchange):
    depth = 5  # and the library's own `urlopen`
    asked: Any = None  # the caller's `Timeout`

    def faulted(self, original: Callable[..., Any], attempt: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The attempt with its faults: the library's response, or its error."""
        self._original, self._attempt, self._kwargs = original, attempt, kwargs
        self._pool, self._conn, _, self._url = attempt[:4]
        self.before()
        if self.answer is None:
            response = self._send_in_time()
            self.after(response)
            if self.answer is None:
                if not self.needs_answer:
                    return response
                self.answer = wire.whole(self.raw())
            self._conn.close()
        return self._play(self.answer)

    def timeouts(self) -> tuple[float | None, float | None]:
        return _timeouts(self.asked)

    def connect_timed_out(self) -> Exception:
        from urllib3.exceptions import ConnectTimeoutError  # noqa: PLC0415 - it is the app's, and loaded

        text = f"Connection to {self._conn.host} timed out. (connect timeout={self.connect})"
        return ConnectTimeoutError(self._conn, text)

    def refused(self) -> Exception:
        from urllib3.exceptions import NewConnectionError  # noqa: PLC0415 - it is the app's, and loaded

        origin = super().refused()
        error: Exception = NewConnectionError(self._conn, f"Failed to establish a new connection: {origin}")
        error.__cause__ = origin
        return error

    def timed_out(self) -> Exception:
        from urllib3.exceptions import ReadTimeoutError  # noqa: PLC0415 - it is the app's, and loaded

        return ReadTimeoutError(self._pool, self._url, f"Read timed out. (read timeout={self.limit})")

    def raw(self) -> Any:
        return getattr(self.response, "_original_response", self.response)

    def _send(self, **changed: Any) -> Any:
        return self._original(*self._attempt, **{**self._kwargs, **changed})

    def _send_in_time(self) -> Any:
        """The real attempt, within what the faults have left of the caller's time."""
        from urllib3.exceptions import ReadTimeoutError  # noqa: PLC0415 - it is the app's, and loaded

        changed: dict[str, Any] = {}
        if self.needs_answer and "preload_content" in self._kwargs:  # 1.26 leaves the body unread anyhow
            changed = {"preload_content": False, "response_conn": None}
        left = self.left()
        if self.delayed_by is None or left is None:
            return self._send(**changed)
        timeout = type(self._pool.timeout)(connect=self.connect, read=max(left, 0.001))
        try:
            response = self._send(timeout=timeout, **changed)
        except ReadTimeoutError as error:
            raise mark_injected(self.timed_out(), self.delayed_by) from error
        raw = getattr(response, "_original_response", response)
        wire.set_timeout(self._conn.sock, raw, self.limit)
        return response

    def _play(self, answer: bytes) -> Any:
        """The library's response to this answer, as if a server had sent it."""
        conn = self._conn
        aside, conn.sock = conn.sock, wire.Peer(answer)
        verified, conn.is_verified = conn.is_verified, True  # else urllib3 warns of an https connection without TLS
        if self.cut_by is not None:
            conn.response_class = self._cut_short()
        try:
            return self._send()
        finally:
            conn.sock, conn.is_verified = aside, verified
            vars(conn).pop("response_class", None)

    def _cut_short(self) -> Any:
        from urllib3.exceptions import IncompleteRead  # noqa: PLC0415 - it is the app's, and loaded

        from chaos_middleware.seams.http_client.cut_short import cut_short  # noqa: PLC0415 - see there

        looks = self._kwargs.get("enforce_content_length", "preload_content" in self._kwargs)
        return cut_short(self.cut_by or "", IncompleteRead if looks else None)
