"""JSON lines in bulk: whole blocks of a part at once, line by line only where a block has a bad line.

A part may end in half a line, and anything may have happened to a file: what is not a JSON value in UTF-8 is counted,
never raised.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_BLOCK = 1 << 23


def blocks(path: Path, wanted: Callable[[Any], bool]) -> Iterator[tuple[list[Any], int]]:
    """The values of a file's lines for which `wanted` holds, a block at a time, and how many lines were none such."""
    rest = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            head, found, tail = (rest + block).rpartition(b"\n")
            rest = tail if found else head + tail
            if head:
                yield _parse(head, wanted)
    if rest.strip():
        yield _parse(rest, wanted)


def _parse(text: bytes, wanted: Callable[[Any], bool]) -> tuple[list[Any], int]:
    lines = [line for line in text.split(b"\n") if line]
    try:
        values = json.loads(b"[" + b",".join(lines) + b"]")
    except ValueError:
        values = None
    # `1,2` on one line would pass as two values: the counts tell.
    if values is None or len(values) != len(lines):
        values = [_value(line) for line in lines]
    good = [value for value in values if wanted(value)]
    return good, len(lines) - len(good)


def _value(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
