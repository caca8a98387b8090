"""JSON lines in bulk: whole blocks of a part at once, line by line only where a block has a bad line.

A part may end in half a line, and anything may have happened to a file: what is not a JSON value in UTF-8 is counted,
never raised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK = 1 << 18  # small enough that its copies and values stay in the cache and in memory that is used again


def blocks(path: Path, *kinds: type) -> Iterator[tuple[list[Any], int]]:
    """The values of these types on a file's lines, a block at a time, and how many lines held none such."""
    for text, _ in texts(path):
        yield _parse(text, kinds)


def texts(path: Path) -> Iterator[tuple[bytes, bool]]:
    """A file in blocks of lines without the last line's end; False with what follows the last end of a line."""
    rest = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            head, found, tail = (rest + block).rpartition(b"\n")
            rest = tail if found else head + tail
            if head:
                yield head, True
    if rest.strip():
        yield rest, False


def _parse(text: bytes, kinds: tuple[type, ...]) -> tuple[list[Any], int]:
    values, lines = _at_once(text), text.count(b"\n") + 1
    if values is None or len(values) != lines:  # `1,2` on one line would pass as two values: the counts tell
        values = [_value(line) for line in text.split(b"\n") if line]
        lines = len(values)
    if not set(map(type, values)) <= set(kinds):
        values = [value for value in values if type(value) in kinds]
    return values, lines - len(values)


def _at_once(text: bytes) -> list[Any] | None:
    try:
        values: list[Any] = orjson.loads(b"[" + text.replace(b"\n", b",") + b"]")
    except ValueError:
        return None
    return values


def _value(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except ValueError:
        return None
