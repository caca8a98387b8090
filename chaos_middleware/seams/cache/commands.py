"""What a command is about: its keys, as rules and the ledger see them, and what of it is stored values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from chaos_middleware import draws

LONGEST = 120
_SHOWN = 100
_READ_AT_MOST = 500


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# How many keys: every argument, every second one, or counted by the argument before them. Of other commands it is one.
_ALL = _words("MGET EXISTS TOUCH DEL UNLINK WATCH SINTER SUNION SDIFF PFCOUNT")
_PAIRS = _words("MSET MSETNX")
_COUNTED = _words("EVAL EVALSHA EVAL_RO EVALSHA_RO FCALL FCALL_RO")
_NONE = _words("AUTH HELLO PING ECHO SELECT INFO DBSIZE FLUSHDB FLUSHALL SCAN KEYS RANDOMKEY UNWATCH TIME")

# What a caller stores and gets back as it was; and whatever else changes nothing and says so of a missing key.
VALUES = _words("GET MGET HGET HMGET HGETALL HVALS LRANGE LINDEX SMEMBERS JSON.GET")
READS = VALUES | _words(
    "EXISTS TTL PTTL EXPIRETIME PEXPIRETIME TYPE STRLEN GETRANGE SUBSTR GETBIT BITCOUNT BITPOS HKEYS HLEN HEXISTS"
    " HSTRLEN HRANDFIELD HSCAN LLEN LPOS SISMEMBER SMISMEMBER SCARD SRANDMEMBER SSCAN SINTER SUNION SDIFF ZRANGE"
    " ZRANGEBYSCORE ZRANGEBYLEX ZREVRANGE ZREVRANGEBYSCORE ZSCORE ZMSCORE ZRANK ZREVRANK ZCARD ZCOUNT ZLEXCOUNT"
    " ZSCAN XLEN XRANGE XREVRANGE GEOPOS GEODIST GEOHASH GEOSEARCH PFCOUNT"
)

# Nearly all calls are of these, written so: the key is what comes first.
ON_ONE_KEY = READS - _ALL | _words(
    "SET SETEX PSETEX SETNX GETSET GETDEL GETEX APPEND INCR INCRBY DECR DECRBY EXPIRE PEXPIRE HSET HDEL HINCRBY"
    " LPUSH RPUSH LPOP RPOP LTRIM SADD SREM ZADD ZREM ZINCRBY XADD"
)

_ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}")  # UUIDs, and hexadecimal
_TOKEN = re.compile(r"(?<![\w-])((?:[a-z]+[_-])*)([\w-]{20,})", re.ASCII)  # in base 64, after words like `session_`
_RUN = re.compile(r"[a-z]+|[A-Z]+|[0-9]+|[_-]+")
_RANDOM = 0.45  # runs for each character; random tokens have 0.65, CamelCase words with digits 0.4


def name_of(command: Sequence[Any]) -> str:
    """The command's name: `GET`, `CONFIG GET`."""
    name = command[0]
    return name.upper() if isinstance(name, str) else _text(name).upper()


def keys_of(name: str, command: Sequence[Any]) -> Sequence[Any]:
    """The keys among a command's arguments, as the caller gave them."""
    if name in _ALL:
        return command[1:]
    if name in _PAIRS:
        return command[1::2]
    if name in _COUNTED:
        count = command[2] if len(command) > 2 else 0
        return command[3 : 3 + count] if isinstance(count, int) else ()
    return () if name in _NONE or " " in name else command[1:2]


def shown(keys: Iterable[Any]) -> str:
    """Keys as one short line, the same in every run: random ids in them are `<id>`, for they are often secrets too."""
    return short(" ".join(dict.fromkeys(map(_text, keys))))


def short(text: str) -> str:
    """At most `LONGEST` characters: of a longer text its beginning, and a hash."""
    return text if len(text) <= LONGEST else f"{text[:_SHOWN]}~{draws.call_hash(text)}"


def without_its_keys(name: str, command: Sequence[Any]) -> Sequence[Any]:
    """The command, if it only reads, with keys in the place of its own that do not exist."""
    if name not in READS:
        return command
    count = len(keys_of(name, command))
    return (command[0], *map(_missing, command[1 : 1 + count]), *command[1 + count :])


def _missing(key: Any) -> Any:
    """A key that does not exist, and still matches the patterns of an access list that begin like this one."""
    return (
        bytes(key) + b":chaos-test-missing"
        if isinstance(key, (bytes, bytearray, memoryview))
        else f"{key}:chaos-test-missing"
    )


def _text(key: Any) -> str:
    return _line(
        bytes(key) if isinstance(key, (bytearray, memoryview)) else key if isinstance(key, bytes) else str(key)
    )


@lru_cache(maxsize=4096)
def _line(key: bytes | str) -> str:
    text = key.decode(errors="backslashreplace") if isinstance(key, bytes) else key
    if len(text) > _READ_AT_MOST:
        text = text[:_READ_AT_MOST] + draws.call_hash(ascii(text))
    if not text.isprintable():
        text = text.encode("unicode_escape").decode()
    return _TOKEN.sub(_without_token, _ID.sub("<id>", text))


def _without_token(found: re.Match[str]) -> str:
    words, token = found.groups()
    return f"{words}<id>" if len(_RUN.findall(token)) > _RANDOM * len(token) else found[0]
