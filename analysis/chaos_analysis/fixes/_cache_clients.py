"""Where the client of a cache is made, and how long it waits and how often it tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.fixes._caches import WORDS, imported_lazily
from chaos_analysis.fixes._calls import has_star, keyword
from chaos_analysis.fixes._declare import imports
from chaos_analysis.fixes._places import homes, named, target, with_keywords
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    import libcst as cst

    from chaos_analysis.fixes._fix import Spot
    from chaos_analysis.fixes._source import Splice
    from chaos_analysis.sources import Sources

_CLASSES = {"redis": ("Redis", "StrictRedis"), "valkey": ("Valkey", "StrictValkey")}
CONSTRUCTORS = frozenset(f"{library}.{name}" for library, names in _CLASSES.items() for name in names)
CLIENTS = CONSTRUCTORS | {
    f"{library}.{name}from_url"
    for library, names in _CLASSES.items()
    for name in ("", "ConnectionPool.", *(f"{each}." for each in names))
}
_REPEATING = ("redis.Redis", "redis.StrictRedis")  # by themselves, as of redis-py 6; `from_url` does not


def client(source: Source, receiver: str = "") -> cst.Call | None:
    """The call that makes the client, or its pool: the module's only one, or the one that `receiver` is."""
    made = [call for call in named(source, CLIENTS) if not any(_keyword(arg) == "connection_pool" for arg in call.args)]
    if len(made) > 1:
        made = [call for call in made if receiver and target(source, call) == receiver]
    return made[0] if len(made) == 1 else None


def elsewhere(sources: Sources, file: str) -> str | None:
    """The file where the app's only client is made, if that is another one than the call's."""
    made = list(homes(sources, WORDS, lambda source: [found for found in [client(source)] if found]))
    return made[0].file if len(made) == 1 and made[0].file != file else None


def bounded(text: str, on: str, spot: Spot) -> str:
    """The text with the waits of the client `on` bounded, where this module makes it and a value was measured."""
    source, (connect, read) = Source(text), spot.timeout
    made = client(source, on)
    if made is None or has_star(made) or not read:
        return text
    wanted = {"socket_connect_timeout": f"{connect:g}", "socket_timeout": f"{read:g}"}
    unset = [
        (*source.span(given.value), value)
        for name, value in wanted.items()
        if (given := keyword(made, name)) is not None and source.code(given.value) == "None"
    ]
    missing = [f"{name}={value}" for name, value in wanted.items() if keyword(made, name) is None]
    splices: list[Splice] = list(unset)
    if source.qualified(made) in _REPEATING and not _repeats(made):
        retry, needed = _one_more(source)
        missing.append(retry)
        splices = imports(source, splices, *needed)
    return with_keywords(source.splice(splices), lambda again: client(again, on), missing)


def _repeats(made: cst.Call) -> bool:
    return any(keyword(made, name) for name in ("retry", "retry_on_timeout", "retry_on_error"))


def _one_more(source: Source) -> tuple[str, list[tuple[str, ...]]]:
    """The argument for one immediate repetition, and its imports: a connection that died in the pool costs one.

    redis-py's own default, as of 6, is several with pauses: 7.4 s for a read from a server that does not answer within
    a `socket_timeout` of 0.25 s (measured with redis-py 8.1).
    """
    if imported_lazily(source.text):
        return "retry=redis.retry.Retry(redis.backoff.NoBackoff(), 1)", []
    return "retry=Retry(NoBackoff(), 1)", [("redis.backoff", "NoBackoff"), ("redis.retry", "Retry")]


def _keyword(argument: cst.Arg) -> str:
    return argument.keyword.value if argument.keyword is not None else ""
