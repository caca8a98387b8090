"""The values that went before: what this process saw stored under a key until it saw another."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from chaos_middleware.injector import Injector

READABLE = frozenset(("GET", "MGET", "HGET", "HMGET"))
_VALUE_AT = {"SET": 2, "SETEX": 3, "PSETEX": 3}

_NOTHING: tuple[bytes | None, bytes | None] = (None, None)
_memories: WeakKeyDictionary[Injector, Earlier | None] = WeakKeyDictionary()


class Before(NamedTuple):
    """What one value of an answer was before: of which reply, which item of it (None: the whole), and the value as the
    server has it, None where there was none.
    """

    reply: int
    item: int | None
    value: bytes | None


class Earlier:
    """For each place the value last seen, and the one before it, which differs; that nothing was there in between does
    not count.

    Bounded in places and bytes: what was not used for the longest time goes first, and a value longer than `longest`
    bytes is taken for none.
    """

    def __init__(self, places: int = 4096, total: int = 32 << 20, longest: int = 1 << 20) -> None:
        self._places, self._total, self._longest = places, total, longest
        self._seen: OrderedDict[tuple[Any, ...], tuple[bytes, bytes | None]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def saw(self, place: tuple[Any, ...], value: bytes | None) -> bytes | None:
        """This is the value now (None: there is none); returns the one before it."""
        if value is not None and len(value) > self._longest:
            value = None
        with self._lock:
            last, before = self._seen.get(place, _NOTHING)
            if value is None:
                return last
            if value != last:
                last, before = value, last
            if place in self._seen:
                self._forget(place)
            self._seen[place] = last, before
            self._size += _size(last, before)
            while len(self._seen) > self._places or self._size > self._total:
                self._forget(next(iter(self._seen)))
        return before

    def _forget(self, place: tuple[Any, ...]) -> None:
        self._size -= _size(*self._seen.pop(place))

    def look(self, where: tuple[Any, ...], encoder: Any, sent: Iterable[tuple[str, Any, Any]]) -> list[Before]:
        """Take in what was read and written `where` (a server's database): name, command and reply of each."""
        found = []
        for index, (name, command, reply) in enumerate(sent):
            if isinstance(reply, Exception):
                continue
            for item, key in _read(name, command):
                value = _item(reply, item)
                if value is None or isinstance(value, (bytes, str)):  # else the app has its own way of reading it
                    place = (*where, *map(encoder.encode, key))
                    found.append(Before(index, item, self.saw(place, None if value is None else encoder.encode(value))))
            for key, value in _written(name, command) if reply is not None and reply is not False else ():
                self.saw((*where, *map(encoder.encode, key)), bytes(encoder.encode(value)))
        return found


def memory_of(injector: Injector) -> Earlier | None:
    """The one memory of an experiment in this process; None where no rule needs it."""
    try:
        return _memories[injector]
    except KeyError:
        needed = any(rule.fault.name == "stale_value" for rule in injector.experiment.rules)
        return _memories.setdefault(injector, Earlier() if needed else None)


def _item(reply: Any, item: int | None) -> Any:
    if item is None:
        return reply
    return reply[item] if isinstance(reply, list) and item < len(reply) else ...


def _read(name: str, command: Sequence[Any]) -> Iterator[tuple[int | None, Sequence[Any]]]:
    if name == "GET":
        yield None, command[1:2]
    elif name == "MGET":
        yield from ((item, (key,)) for item, key in enumerate(command[1:]))
    elif name == "HGET":
        yield None, command[1:3]
    elif name == "HMGET":
        yield from ((item, (command[1], field)) for item, field in enumerate(command[2:]))


def _written(name: str, command: Sequence[Any]) -> Iterator[tuple[Sequence[Any], Any]]:
    if name in _VALUE_AT:
        yield command[1:2], command[_VALUE_AT[name]]
    elif name == "MSET":
        yield from (((key,), value) for key, value in zip(command[1::2], command[2::2]))
    elif name == "HSET":
        yield from (((command[1], field), value) for field, value in zip(command[2::2], command[3::2]))


def _size(*values: bytes | None) -> int:
    return 200 + sum(len(value) for value in values if value is not None)
