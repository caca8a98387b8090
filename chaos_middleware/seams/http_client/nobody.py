"""A peer for httpx's connections, as `wire.Peer` is for the others: it takes what is sent, and gives one answer.

Imported only when the app has httpx, and with it httpcore.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpcore

from chaos_middleware.errors import mark_injected


class Pool:
    """Stands for a transport's pool, for one call. An answer that the event `cut_by` broke off says so in its error."""

    def __init__(self, answer: bytes, cut_by: str | None) -> None:
        self._answer, self._cut_by = answer, cut_by

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """For a sync transport."""
        connection = httpcore.HTTP11Connection(request.url.origin, _Stream(self._answer))
        return self._marked(connection.handle_request(request))

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """For an async transport."""
        connection = httpcore.AsyncHTTP11Connection(request.url.origin, _AsyncStream(self._answer))
        return self._marked(await connection.handle_async_request(request))

    def _marked(self, response: httpcore.Response) -> httpcore.Response:
        if self._cut_by is not None:
            response.stream = _Marked(response.stream, self._cut_by)
        return response


class _Stream(httpcore.NetworkStream):
    def __init__(self, answer: bytes) -> None:
        self._answer = io.BytesIO(answer)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - it never waits
        return self._answer.read(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Sent, to nobody."""

    def close(self) -> None:
        """Nothing is open."""

    def get_extra_info(self, info: str) -> Any:  # noqa: ARG002 - there is none
        return None


class _AsyncStream(httpcore.AsyncNetworkStream):
    def __init__(self, answer: bytes) -> None:
        self._answer = io.BytesIO(answer)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - as above
        return self._answer.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Sent, to nobody."""

    async def aclose(self) -> None:
        """Nothing is open."""

    def get_extra_info(self, info: str) -> Any:  # noqa: ARG002 - there is none
        return None


class _Marked:
    """A body whose error is marked as injected."""

    def __init__(self, stream: Any, event: str) -> None:
        self._stream, self._event = stream, event

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except Exception as error:
            mark_injected(error, self._event)
            raise

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._stream:
                yield part
        except Exception as error:
            mark_injected(error, self._event)
            raise

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()
