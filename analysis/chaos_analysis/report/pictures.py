"""The pictures of a report: their bytes, and the finding that each carries as its PNG title."""

from __future__ import annotations

import struct
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Picture:
    """A PNG beside the report; `alt` is the finding it shows."""

    file: str
    alt: str
    data: bytes

    @property
    def uri(self) -> str:
        """The picture itself as an address."""
        return f"data:image/png;base64,{b64encode(self.data).decode()}"


def read(paths: Iterable[Path]) -> dict[str, Picture]:
    """The pictures by plot name, in the order given."""
    return {path.stem: _read(path) for path in paths}


def _read(path: Path) -> Picture:
    data = path.read_bytes()
    return Picture(path.name, dict(_texts(data)).get("Title", path.stem), data)


def _texts(data: bytes) -> Iterator[tuple[str, str]]:
    """The text chunks of a PNG (https://www.w3.org/TR/png-3/#11textinfo): tEXt, and iTXt that is not compressed."""
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        keyword, _, rest = data[at + 8 : at + 8 + length].partition(b"\0")
        if kind == b"tEXt":
            yield keyword.decode("latin-1"), rest.decode("latin-1")
        elif kind == b"iTXt":
            # Compression flag and method, then language and translated keyword, each closed by a zero.
            yield keyword.decode("latin-1"), rest[2:].split(b"\0", 2)[2].decode()
        at += length + 12
