"""Answers as bytes, and a peer that plays them: the library reads an injected answer by its own code, as from a server.

Nothing here imports `http.client`: it imports `ssl`, and `ssl` must not be loaded before gevent has patched.
"""

from __future__ import annotations

import io
from contextlib import suppress
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

CHUNKED_AT_MOST = 1 << 20
_FRAMING = ("content-length", "transfer-encoding")


class Peer:
    """A socket whose other end is here: it takes whatever is sent, and answers with `answer` or fails with it."""

    def __init__(self, answer: bytes | Exception) -> None:
        self._answer = answer

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Sent, to nobody."""

    def settimeout(self, seconds: float | None) -> None:
        """It never waits."""

    def makefile(self, *_args: Any, **_kwargs: Any) -> io.BufferedReader:
        """What the answer is read from."""
        raw: Any = io.BytesIO(self._answer) if isinstance(self._answer, bytes) else _Failing(self._answer)
        return io.BufferedReader(raw)

    def shutdown(self, how: int) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""


class _Failing(io.RawIOBase):
    def __init__(self, error: Exception) -> None:
        self._error = error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ARG002 - it never gets that far
        raise self._error


class Answer:
    """An answer of another library, as the functions here look at one of `http.client`."""

    def __init__(self, method: str, status: int, reason: str, headers: list[tuple[str, str]], body: bytes) -> None:
        """body: as much as was read of it, decoded from its framing alone."""
        self.status, self.reason = status, reason
        self.headers = SimpleNamespace(items=lambda: headers)
        self.read = io.BytesIO(body).read
        framing = {name.lower(): value.lower() for name, value in headers}
        self.chunked = framing.get("transfer-encoding") == "chunked"
        length = framing.get("content-length", "")
        self.length = int(length) if length.isdecimal() and not self.chunked else None
        if method == "HEAD" or status in {204, 304}:
            self.chunked, self.length = False, 0


def answer(status: int, body: bytes) -> bytes:
    """A whole answer with a JSON body."""
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Injected"
    return _head(status, reason, [("Content-Type", "application/json")], length=len(body)) + body


def with_body(response: Any, body: bytes) -> bytes:
    """An answer that came (`http.client.HTTPResponse`), with another body."""
    return _framed(response, body, without=(*_FRAMING, "content-encoding"))


def whole(response: Any) -> bytes:
    """An answer that came, unread."""
    return _framed(response, response.read(), without=_FRAMING)


def cut(response: Any, keep: float) -> tuple[bytes, str]:
    """An answer that came, unread, broken off after the share `keep` of its body; and what was done, in words.

    Of a chunked body the whole is read first, at most 1 MiB; it then breaks off in the middle of a chunk. A body that
    only the end of the connection delimits just ends earlier: nobody can tell.
    """
    head = _head(response.status, response.reason, list(response.headers.items()))
    if response.chunked:
        body = response.read(CHUNKED_AT_MOST)
        total = len(body)
        head += b"%x\r\n" % total
    elif response.length is not None:
        total = response.length
        body = response.read(int(total * keep)) if total else b""
    else:
        body = response.read()
        total = len(body)
    kept = body[: int(total * keep)]
    return head + kept, f"{len(kept)} of {total} bytes" if total else "there was no body"


def set_timeout(sock: Any, response: Any, seconds: float | None) -> None:
    """Give the rest of an answer's body this timeout; an answer that ends with its connection has the socket itself."""
    if sock is None:
        sock = getattr(getattr(response.fp, "raw", None), "_sock", None)
    if sock is not None:
        with suppress(OSError):
            sock.settimeout(seconds)


def _framed(response: Any, body: bytes, *, without: tuple[str, ...]) -> bytes:
    headers = [(name, value) for name, value in response.headers.items() if name.lower() not in without]
    return _head(response.status, response.reason, headers, length=len(body)) + body


def _head(status: int, reason: str, headers: list[tuple[str, str]], *, length: int | None = None) -> bytes:
    if length is not None:
        headers = [*headers, ("Content-Length", str(length))]
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1", "replace") + b"\r\n"
