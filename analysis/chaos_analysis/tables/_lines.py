"""JSON lines in bulk: whole blocks of a part at once, line by line only where a block has a bad line.

A part may end in half a line, and anything may have happened to a file: what is not a JSON value in UTF-8 is counted,
never raised.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK = 1 << 23


def blocks(path: Path, *kinds: type) -> Iterator[tuple[list[Any], int]]:
    """The values of these types on a file's lines, a block at a time, and how many lines held none such."""
    rest = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            head, found, tail = (rest + block).rpartition(b"\n")
            rest = tail if found else head + tail
            if head:
                yield _parse(head, kinds)
    if rest.strip():
        yield _parse(rest, kinds)


def _parse(text: bytes, kinds: tuple[type, ...]) -> tuple[list[Any], int]:
    lines = [line for line in text.split(b"\n") if line]
    try:
        values = json.loads(b"[" + b",".join(lines) + b"]")
    except ValueError:
        values = None
    # `1,2` on one line would pass as two values: the counts tell.
    if values is None or len(values) != len(lines):
        values = [_value(line) for line in lines]
    good = [value for value in values if type(value) in kinds]
    return good, len(lines) - len(good)


def _value(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
