"""The answer that was broken off on purpose, so that the error which the library makes of it says so."""

from __future__ import annotations

from http.client import HTTPResponse, IncompleteRead
from typing import Callable

from chaos_middleware.errors import mark_injected


def cut_short(event: str, incomplete: Callable[[int, int], Exception] | None = None) -> type[HTTPResponse]:
    """A response class that marks `IncompleteRead` as injected by `event`.

    incomplete: makes the error that the library on top raises, from the bytes read and the bytes missing, where the
    body ends before its Content-Length; None where that library does not look.
    """

    class CutShort(HTTPResponse):
        _read = 0

        def read(self, amt: int | None = None) -> bytes:
            data = super().read(amt)
            self._read += len(data)
            if not data and amt and self.length and not self.chunked and incomplete is not None:
                raise mark_injected(incomplete(self._read, self.length), event)
            return data

        def _safe_read(self, amt: int) -> bytes:
            try:
                data: bytes = super()._safe_read(amt)  # type: ignore[misc]  # not in typeshed; all reads to a known end go here
            except IncompleteRead as error:
                raise mark_injected(error, event) from error.__cause__
            return data

    return CutShort
