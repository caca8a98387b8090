"""What is called of a cache: a command on its keys, or several in one pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from chaos_middleware.calls import Call
from chaos_middleware.seams.cache import commands, earlier

_REMEMBERED_LENGTH = 200
_TAKEN_BY = {"cache_miss": commands.READS, "stale_value": earlier.READABLE, "garbage_body": commands.VALUES}


class CacheCall(Call):
    """`identity` is `COMMAND host keys`, without the values: they may differ from run to run, and nobody need see them.

    `names`: the commands; of a pipeline the facts have them in one, after the word PIPELINE.
    """

    __slots__ = ("_names",)

    seam = "cache"

    def __init__(self, names: Sequence[str], keys: str, host: str, *, pipeline: bool = False) -> None:
        super().__init__((commands.short(" ".join(("PIPELINE", *names))) if pipeline else names[0], keys, host))
        self._names = names

    @property
    def identity(self) -> str:
        command, keys, host = self.facts
        return f"{command} {host} {keys}".rstrip()

    def takes(self, fault: str) -> bool:
        return fault not in _TAKEN_BY or not _TAKEN_BY[fault].isdisjoint(self._names)


def command_call(command: Sequence[Any], conn: Any) -> CacheCall:
    """The call of one command (its name and arguments) on a connection."""
    if len(command) > 1:
        name, key = command[0], command[1]
        kind = type(key)
        if (kind is str or kind is bytes) and name in commands.ON_ONE_KEY and len(key) < _REMEMBERED_LENGTH:
            return _on_one_key(name, key, _host(conn))
    name = commands.name_of(command)
    return CacheCall((name,), commands.shown(commands.keys_of(name, command)), _host(conn))


def pipeline_call(sent: Sequence[Sequence[Any]], conn: Any) -> CacheCall:
    """The call of a whole pipeline."""
    names = [commands.name_of(command) for command in sent]
    keys = commands.shown(key for name, command in zip(names, sent) for key in commands.keys_of(name, command))
    return CacheCall(tuple(dict.fromkeys(names)), keys, _host(conn), pipeline=True)


@lru_cache(maxsize=4096)
def _on_one_key(name: str, key: str | bytes, host: str) -> CacheCall:
    return CacheCall((name,), commands.shown((key,)), host)


def _host(conn: Any) -> str:
    """Paths of sockets differ from run to run: they are all `unix`."""
    return getattr(conn, "host", None) or "unix"
