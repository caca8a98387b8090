"""One hop of an httpx client with its faults: what they do is written once, as coroutines, for both kinds of client."""

from __future__ import annotations

import socket
from time import monotonic
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Callable

from chaos_middleware.control import SLICE_SECONDS
from chaos_middleware.errors import mark_injected
from chaos_middleware.seams.http_client import wire
from chaos_middleware.seams.http_client.exchange import Calls, HttpCall, HttpExchange, http_call
from chaos_middleware.seams.http_client.hop_target import HopTarget

if TYPE_CHECKING:
    from chaos_middleware.request import Request

_REMEMBERED = 2048


class Hop(HttpExchange):
    """One request to one server. `unconnected`: the error of ours that the transport's own retries would see."""

    depth = 3
    unconnected: Exception | None = None

    def __init__(self, request: Request, message: Any, call: HttpCall) -> None:
        self._asked, self.headers = message.extensions, message.headers
        super().__init__(request, call)

    async def faulted(self, original: Callable[..., Any], transport: Any, message: Any) -> Any:
        """The attempt with its faults: the library's response, or its error."""
        self._original, self._transport, self._message = original, transport, message
        self.connect, self.limit = self.timeouts()
        await self._act_due(late=False)
        if self.answer is None:
            self.response = await self._send_in_time()
            try:
                await self._act_due(late=True)
            except BaseException:
                await self._close()
                raise
            if self.answer is None:
                return self.response
            await self._close()
        return await self._play(self.answer)

    def timeouts(self) -> tuple[float | None, float | None]:
        return timeouts(self._asked)

    def connect_timed_out(self) -> Exception:
        self.unconnected = _error("ConnectTimeout", socket.timeout("timed out"))
        return self.unconnected

    def refused(self) -> Exception:
        self.unconnected = _error("ConnectError", super().refused())
        return self.unconnected

    def timed_out(self) -> Exception:
        return _error("ReadTimeout", socket.timeout("timed out"))

    def was_reset(self) -> Exception:
        return _error("ReadError", super().was_reset())

    def raw(self, body: bytes = b"") -> Any:
        response, method = self.response, self._message.method
        return wire.Answer(method, response.status_code, response.reason_phrase, response.headers.multi_items(), body)

    async def wait(self, seconds: float) -> None:
        """Wait until the time is over or faults are stopped."""
        raise NotImplementedError

    async def cut(self, keep: float) -> tuple[bytes, str]:
        """The answer that came, broken off."""
        length = self.raw().length
        body = await self._read(wire.CHUNKED_AT_MOST if length is None else int(length * keep))
        return wire.cut(self.raw(body), keep)

    async def _act_due(self, *, late: bool) -> None:
        for firing in self.due(late=late):
            await HopTarget(self, firing).act()
            if self.answer is not None:
                return

    async def _send_in_time(self) -> Any:
        """The real attempt, within what the faults have left of the caller's time."""
        from httpx import ReadTimeout  # noqa: PLC0415 - it is the app's, and loaded

        left, message = self.left(), self._message
        if self.delayed_by is None or left is None:
            return await self._send(self._transport)
        timeouts = {**self._asked["timeout"], "read": max(left, 0.001)}
        message.extensions = {**self._asked, "timeout": timeouts}
        try:
            return await self._send(self._transport)
        except ReadTimeout as error:
            mark_injected(error, self.delayed_by)
            raise
        finally:
            timeouts["read"] = self.limit  # for the body, which is still to come
            message.extensions = self._asked

    async def _play(self, answer: bytes) -> Any:
        """The library's response to this answer, as if a server had sent it."""
        from chaos_middleware.seams.http_client.nobody import Pool  # noqa: PLC0415 - see there

        return await self._send(SimpleNamespace(_pool=Pool(answer, self.cut_by)))

    async def _send(self, transport: Any) -> Any:
        raise NotImplementedError

    async def _read(self, most: int) -> bytes:
        raise NotImplementedError

    async def _close(self) -> None:
        raise NotImplementedError


class SyncHop(Hop):
    """Its coroutines run through without ever waiting."""

    async def wait(self, seconds: float) -> None:
        self.request.injector.control.sleep(seconds)

    async def _send(self, transport: Any) -> Any:
        return self._original(transport, self._message)

    async def _read(self, most: int) -> bytes:
        body = bytearray()
        for part in self.response.stream:
            body += part
            if len(body) >= most:
                break
        return bytes(body)

    async def _close(self) -> None:
        self.response.close()


class AsyncHop(Hop):
    """It waits as the library does, under asyncio or trio."""

    async def wait(self, seconds: float) -> None:
        until, control = monotonic() + seconds, self.request.injector.control
        left = seconds
        while left > 0 and control.stopped() is None:
            await self._transport._pool._network_backend.sleep(min(left, SLICE_SECONDS))
            left = until - monotonic()

    async def _send(self, transport: Any) -> Any:
        return await self._original(transport, self._message)

    async def _read(self, most: int) -> bytes:
        body = bytearray()
        async for part in self.response.stream:
            body += part
            if len(body) >= most:
                break
        return bytes(body)

    async def _close(self) -> None:
        await self.response.aclose()


def timeouts(asked: Any) -> tuple[float | None, float | None]:
    """Those in the extensions of a message."""
    given = asked.get("timeout", {})
    return given.get("connect"), given.get("read")


def called(message: Any) -> HttpCall:
    """The call of a message. A URL is known by what it was parsed into: its properties are worked out each time."""
    url, method = message.url, message.method
    parts = getattr(url, "_uri_reference", None)
    found = _by_parts.get((method, parts))
    if found is None:
        found = _CALLS[method, url.raw_host, url.raw_path]
        if parts is not None:
            if len(_by_parts) >= _REMEMBERED:
                _by_parts.clear()
            _by_parts[method, parts] = found
    return found


def _of_bytes(method: str, host: bytes, target: bytes) -> HttpCall:
    return http_call(method, str(host, "ascii"), str(target, "ascii"))


_CALLS = Calls(_of_bytes)
_by_parts: dict[tuple[str, Any], HttpCall] = {}


def _error(name: str, origin: Exception) -> Exception:
    """The error as httpx makes it of httpcore's, and that of what the network said."""
    import httpcore  # noqa: PLC0415 - it is the app's, and loaded
    import httpx  # noqa: PLC0415 - likewise

    lower: Exception = getattr(httpcore, name)(origin)
    lower.__cause__ = origin
    error: Exception = getattr(httpx, name)(str(origin))
    error.__cause__ = lower
    return error
