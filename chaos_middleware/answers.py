"""An application's answer on its way to the server: held back, handed on, slowed down or broken off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

WsgiApp = Callable[[Any, Any], Iterable[bytes]]
StartResponse = Callable[..., Callable[[bytes], Any]]

SLICES_A_SECOND = 10


class Answer:
    """What an application answered, of which the server has got nothing yet.

    Runs the application until it has called `start_response`: for a generator that is its first chunk. What the
    application sends through `write()` is kept with the rest of the body.
    """

    def __init__(self, app: WsgiApp, environ: dict[str, Any]) -> None:
        self._started: tuple[Any, ...] | None = None
        self._written: list[bytes] = []
        self._pass_on: StartResponse | None = None
        self._body = app(environ, self._start)
        self._chunks: Iterator[bytes] | None = None
        if self._started is None:
            try:
                self._chunks = iter(self._body)
                self._written += [chunk for chunk in (next(self._chunks, None),) if chunk is not None]
            except BaseException:
                self.close()
                raise

    @property
    def length(self) -> int | None:
        """Bytes of the body as `Content-Length` says, else None."""
        for name, value in self._started[1] if self._started else ():
            if name.lower() == "content-length" and value.isdecimal():
                return int(value)
        return None

    @property
    def size(self) -> int | None:
        """Bytes of the body where they can be known before it is sent."""
        if self.length is None and self._chunks is None and type(self._body) in (list, tuple):
            return sum(map(len, self._written)) + sum(map(len, self._body))
        return self.length

    def has_body(self, method: str) -> bool:
        """False for HEAD, 1xx, 204 and 304."""
        status = str(self._started[0])[:3] if self._started else "200"
        return method != "HEAD" and status not in {"204", "304"} and not status.startswith("1")

    def begin(self, start_response: StartResponse) -> None:
        """Tell the server status and headers."""
        if self._started is not None:
            start_response(*self._started)
        self._pass_on = start_response

    def body(self) -> Iterator[bytes]:
        """The body, as lazy as the application made it."""
        yield from self._drain()
        for chunk in self._body if self._chunks is None else self._chunks:
            yield from self._drain()
            yield chunk
        yield from self._drain()

    def close(self) -> None:
        """The application's own `close()`."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()

    def _start(self, status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], Any]:
        if self._pass_on is not None:
            self._pass_on(status, headers, *exc_info)
        elif self._started is not None and not any(exc_info):
            raise AssertionError("headers already set")
        else:
            self._started = (status, headers, *exc_info)
        return self._written.append

    def _drain(self) -> Iterator[bytes]:
        while self._written:
            yield self._written.pop(0)


class Outgoing:
    """A body for the server; `effect` is a fault that lasts until the body has ended, however it ends."""

    def __init__(self, body: Iterator[bytes], answer: Answer, effect: ExitStack | None = None) -> None:
        self._body = body
        self._answer = answer
        self._effect = effect or ExitStack()

    def __iter__(self) -> Iterator[bytes]:
        """The chunks."""
        with self._effect:
            yield from self._body

    def close(self) -> None:
        """Close the application's body; a server does so too when the body raised or the client has left."""
        try:
            self._answer.close()
        finally:
            self._effect.close()


def slowed(
    body: Iterator[bytes], bytes_per_second: float, max_seconds: float, sleep: Callable[[float], float]
) -> Iterator[bytes]:
    """The body in slices of at most a tenth of a second's worth, a pause after each but the last; at once when
    `max_seconds` are spent, or `sleep` returned early.
    """
    most = max(1, int(bytes_per_second / SLICES_A_SECOND))
    left = max_seconds
    owed = 0.0
    for chunk in body:
        rest = chunk
        while rest and left > 0:
            if owed:
                slept = sleep(min(owed, left))
                left = left - slept if slept >= min(owed, left) else 0.0
            yield rest[:most]
            owed = min(len(rest), most) / bytes_per_second
            rest = rest[most:]
        if rest or not chunk:
            yield rest


def truncated(
    body: Iterator[bytes], size: int | None, keep: float, break_off: Callable[[int], None]
) -> Iterator[bytes]:
    """The first `keep` of the body's bytes, but one at least, then `break_off(bytes sent)`, which raises.

    Where the size is not known, it is that share of the first chunk.
    """
    sent = 0
    for chunk in body:
        if not chunk:
            continue
        if size is None:
            size = len(chunk)
        limit = max(int(size * keep), min(1, size - 1))
        if sent + len(chunk) > limit:
            yield chunk[: limit - sent]
            break_off(limit)
        sent += len(chunk)
        yield chunk
