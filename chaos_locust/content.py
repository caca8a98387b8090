"""What an answer held, in two short hashes: its shape and its digest (docs/formats.md, `content`).

The shape says what an answer is made of: of JSON the path and type of every value, whatever the values and however
long the lists; of anything else its media type. The digest says whether two answers are the same to the byte.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson

from chaos_middleware.headers import FAULT

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BYTES = 256 * 1024
_MOST_PATHS = 1000
_DEEPEST = 32
_REMEMBERED = 4096
_MOST_SHAPES = 10_000
# By such words answers say that they are less than they should be: as a key's name, or as the value of one.
_MARKS = (
    *("degraded", "stale", "partial", "fallback", "unavailable", "incomplete", "offline", "outdated"),
    *("cached", "default", "estimated"),
)
# Headers that nearly every answer has and that say nothing of it.
_PLAIN = frozenset(
    ("server", "date", "connection", "content-type", "content-length", "transfer-encoding", FAULT.lower())
)
_TYPES = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}


class Contents:
    """The contents of answers, as rows have them; `write` takes a line for each new shape of a kind of answer."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._shapes = Shapes()
        self._told: set[tuple[str, str, int, str]] = set()

    def take(self, method: str, name: str, response: Any) -> str:
        """A JSON value: `"<shape>.<digest>"`, or null of an answer whose body is not there or too large."""
        body = _body(response)
        if body is None or len(body) > MOST_BYTES:
            return "null"
        media_type, marks = str(response.headers.get("content-type") or ""), _header_marks(response.headers)
        shape, digest = self._shapes.content(media_type, body, marks)
        kind = (str(method), str(name), response.status_code, shape)
        if kind not in self._told and len(self._told) < _MOST_SHAPES:
            self._told.add(kind)
            record = dict(zip(("method", "name", "status", "shape"), kind, strict=True))
            self._write(orjson.dumps({**record, "paths": [*paths(media_type, body), *marks]}) + b"\n")
        return f'"{shape}.{digest}"'


class Shapes:
    """Shapes of bodies, each worked out once; the paths of a shape are asked for only where it is new."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bytes, tuple[str, ...]], str] = {}

    def content(self, media_type: str, body: bytes, marks: tuple[str, ...] = ()) -> tuple[str, str]:
        """The shape and the digest of a body, 8 hex digits each; marks in the headers are part of the shape."""
        digest = blake2b(body, digest_size=16).digest()
        shape = self._known.get((media_type, digest, marks))
        if shape is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            shape = _hash("\n".join([*paths(media_type, body), *marks]).encode())
            self._known[media_type, digest, marks] = shape
        return shape, digest[:4].hex()


def paths(media_type: str, body: bytes) -> list[str]:
    """What a body is made of, sorted: `fare.amount:number`, `destinations[].name:string`, or the media type."""
    kind = media_type.partition(";")[0].strip().lower()
    if not body:
        return ["empty"]
    if "json" not in kind and (kind or body[:1] not in (b"{", b"[")):
        return [kind or "unknown"]
    try:
        value = orjson.loads(body)
    except ValueError:
        return [f"broken {kind or 'json'}"]
    found: set[str] = set()
    _walk(value, "", _DEEPEST, found)
    return sorted(found)


def _body(response: Any) -> bytes | None:
    """The body where the client has read it: to ask for one that the user streams would take it away from the user."""
    body = getattr(response, "_cached_content", None)  # FastHttpUser
    if body is None:
        body = getattr(response, "_content", None)  # HttpUser; False before it is read, and a method of the other's
    return body if isinstance(body, bytes) else None


def _walk(value: Any, path: str, depth: int, found: set[str]) -> None:
    """Add the paths below a value: lists' elements share one, and what is empty is named for itself."""
    kind = _TYPES.get(type(value))
    if kind is not None:
        found.add(f"{path}:{kind}{_mark(path, value)}")
    elif not depth or len(found) >= _MOST_PATHS:
        found.add("...")  # deeper or wider than any answer that people write by hand
    elif not value:
        found.add(f"{path}{'[]' if isinstance(value, list) else ''}:empty")
    elif isinstance(value, list):
        for each in value:
            _walk(each, f"{path}[]", depth - 1, found)
    else:
        start = f"{path}." if path else ""
        for name, each in value.items():
            _walk(each, f"{start}{name}", depth - 1, found)


def _mark(path: str, value: Any) -> str:
    """`=true` of a truth value that is called as answers mark themselves, `=stale` of a text that is such a word."""
    if isinstance(value, bool):
        name = path.rpartition(".")[2].lower()
        return f"={value}".lower() if any(mark in name for mark in _MARKS) else ""
    return f"={value.lower()}" if isinstance(value, str) and value.lower() in _MARKS else ""


@lru_cache(1024)
def _lower(name: str) -> str:
    return name.lower()


def _header_marks(headers: Any) -> tuple[str, ...]:
    """`header warning` and the like: headers by which an answer says that it is less than it should be."""
    found = set()
    for name, value in headers.items():
        called = _lower(name)
        if called in _PLAIN:
            continue
        told = str(value).lower()
        if called == "warning" or any(mark in called for mark in _MARKS):
            found.add(f"header {called}")
        elif told in _MARKS:
            found.add(f"header {called}={told}")
    return tuple(sorted(found))


def _hash(text: bytes) -> str:
    return blake2b(text, digest_size=4).hexdigest()
