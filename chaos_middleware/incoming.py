"""A request's body on its way to the application, made longer than the client sent it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from chaos_middleware.errors import UnsupportedFault

_PIECE = 1 << 16  # bytes that a stream is asked for at a time where nobody says how many there are


def lengthen(environ: dict[str, Any], size: int, told: Callable[[int], None]) -> None:
    """Let the request's JSON body go on with spaces, `size` bytes in all; `told` hears how many have been read so far.

    A body in chunks ends later, one with a length says the new one. Raises `UnsupportedFault` for requests without a
    body, and for bodies that spaces would break.
    """
    length = _length(environ, size)
    environ["wsgi.input"] = Padded(environ["wsgi.input"], length, size, told)
    if length is not None:
        environ["CONTENT_LENGTH"] = str(size)


def _length(environ: dict[str, Any], size: int) -> int | None:
    """The length of the request's own body, None of one in chunks."""
    length: int | None = None
    if "chunked" not in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        said = environ.get("CONTENT_LENGTH", "")
        length = int(said) if said.isdecimal() else 0
        if not length:
            raise UnsupportedFault("a request without a body has none that could be larger")
    elif not environ.get("wsgi.input_terminated"):
        raise UnsupportedFault("this server does not tell the end of a body in chunks")
    kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()[:80]
    if kind != "application/json" and not kind.endswith("+json"):
        raise UnsupportedFault(f"only JSON may end in spaces, and this body is of the type {kind or '(none)'}")
    if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise UnsupportedFault("only JSON may end in spaces, and this body is encoded")
    if length is not None and length >= size:
        raise UnsupportedFault(f"the body has {size} bytes or more already")
    return length


class Padded:
    """A stream of bytes and spaces behind them, which are made as they are read.

    own: the server's stream, of which no more than `length` bytes are read; None: to its end. size: bytes in all. An
    own body that ends early, since the client has gone, has no spaces behind it.
    """

    def __init__(self, own: Any, length: int | None, size: int, told: Callable[[int], None]) -> None:
        self.rfile = getattr(own, "rfile", own)  # `connection.py` finds the socket there
        self._own = own
        self._left = length
        self._size = size
        self._told = told
        self._taken = 0

    def read(self, size: int | None = -1) -> bytes:
        """As of any file."""
        return self._take(self._own.read, size)

    def readline(self, size: int | None = -1) -> bytes:
        """As of any file; the spaces are in the last line."""
        return self._take(self._own.readline, size, b"\n")

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """As of any file."""
        lines: list[bytes] = []
        for line in self:
            lines.append(line)
            if hint is not None and 0 < hint <= sum(map(len, lines)):
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        """The lines."""
        return iter(self.readline, b"")

    def _take(self, more: Callable[[int], bytes], size: int | None, until: bytes = b"") -> bytes:
        most = sys.maxsize if size is None or size < 0 else size
        data = bytearray()
        whole = False  # nothing more belongs to it
        while self._left != 0 and len(data) < most and not whole:
            piece = more(min(most - len(data), _PIECE if self._left is None else self._left))
            data += piece
            whole = not piece or bool(until and piece.endswith(until))
            if self._left is not None:
                self._left -= len(piece)
            elif not piece:
                self._left, whole = 0, False
        if self._left == 0 and not whole:
            data += b" " * max(0, min(most - len(data), self._size - self._taken - len(data)))
        self._taken += len(data)
        self._told(self._taken)
        return bytes(data)
