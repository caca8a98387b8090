"""Driver for httpx's transports, at `HTTPTransport.handle_request` and `AsyncHTTPTransport.handle_async_request`: one
hop, below redirects.

A transport's own `retries` are lower still, where connections are made: failures to connect that are ours are counted
against them here.
"""

from __future__ import annotations

from collections.abc import Coroutine
from functools import wraps
from time import monotonic
from typing import Any, Callable

from chaos_middleware.calm import is_calm
from chaos_middleware.request import current
from chaos_middleware.seams.http_client.hop import AsyncHop, SyncHop, called, timeouts
from chaos_middleware.seams.http_client.quiet import keep


def handle_request(original: Callable[..., Any]) -> Callable[..., Any]:
    """`HTTPTransport.handle_request`, with faults for the calls of a current request."""

    @wraps(original)
    def hooked(transport: Any, message: Any, tried: int = 0) -> Any:
        request = current.get()
        if request is None:
            return original(transport, message)
        call = called(message)
        if call in request.calm or is_calm(request, call):
            spot = request.injector.frames.along(call.way, 1)
            status, failed = None, None
            begun = (call, spot, timeouts, message.extensions, message.headers, monotonic())
            try:
                response = original(transport, message)
                status = response.status_code
            except BaseException as error:
                failed = type(error).__name__
                raise
            finally:
                keep(request, begun, status, failed)
            return response
        hop = SyncHop(request, message, call)
        try:
            do = hop.faulted if hop.firings else None
            response = original(transport, message) if do is None else _through(do(original, transport, message))
            hop.status = response.status_code
        except BaseException as error:
            hop.error = error
            if error is not hop.unconnected or tried >= _retries(transport):
                raise
        else:
            return response
        finally:
            hop.note()
        transport._pool._network_backend.sleep(_pause(tried))
        return hooked(transport, message, tried + 1)

    return hooked


def handle_async_request(original: Callable[..., Any]) -> Callable[..., Any]:
    """`AsyncHTTPTransport.handle_async_request`, likewise."""

    @wraps(original)
    async def hooked(transport: Any, message: Any, tried: int = 0) -> Any:
        request = current.get()
        if request is None:
            return await original(transport, message)
        call = called(message)
        if call in request.calm or is_calm(request, call):
            spot = request.injector.frames.along(call.way, 1)
            status, failed = None, None
            begun = (call, spot, timeouts, message.extensions, message.headers, monotonic())
            try:
                response = await original(transport, message)
                status = response.status_code
            except BaseException as error:
                failed = type(error).__name__
                raise
            finally:
                keep(request, begun, status, failed)
            return response
        hop = AsyncHop(request, message, call)
        try:
            do = hop.faulted if hop.firings else None
            response = await (original(transport, message) if do is None else do(original, transport, message))
            hop.status = response.status_code
        except BaseException as error:
            hop.error = error
            if error is not hop.unconnected or tried >= _retries(transport):
                raise
        else:
            return response
        finally:
            hop.note()
        await transport._pool._network_backend.sleep(_pause(tried))
        return await hooked(transport, message, tried + 1)

    return hooked


def _through(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine that never waits returns or raises."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("a sync call waited for an event loop")


def _retries(transport: Any) -> int:
    return int(getattr(transport._pool, "_retries", 0))


def _pause(tried: int) -> float:
    """The library's own pauses between attempts to connect: 0, 0.5, 1, 2, … seconds."""
    return 0.5 * 2 ** (tried - 1) if tried else 0.0
