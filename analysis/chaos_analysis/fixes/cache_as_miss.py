"""A cache's error taken for a miss, where what it keeps can be had without it; and a client that gives up soon."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes import _caches
from chaos_analysis.fixes._bound import NEED, bound
from chaos_analysis.fixes._calls import has_star, keyword, receiver
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._guard import catches, guarded, guards, logger
from chaos_analysis.fixes._handlers import function_around
from chaos_analysis.fixes._places import at_line, by_site, homes, with_keywords
from chaos_analysis.fixes._source import Source, Splice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Proposal, Site


class CacheAsMiss(Fix):
    """Puts reads and writes of the cache in a `try` each, and short timeouts on the client where it is made."""

    name = "cache_as_miss"
    title = "Take a cache's error for a miss"
    reference = (
        "Amazon Builders' Library, Caching challenges and strategies: "
        "https://aws.amazon.com/builders-library/caching-challenges-and-strategies/; redis-py, Connecting: "
        "https://redis.readthedocs.io/en/stable/connections.html"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "a read and a write, in a module with a logger, and its client",
            before="""
                import logging

                import redis

                log = logging.getLogger(__name__)
                cache = redis.Redis(port=6380)


                def stock(n):
                    known = cache.get(f'stock:{n}')  # filled below
                    if known is None:
                        known = ask(n)
                        cache.set(
                            f'stock:{n}',
                            known,
                        )
                    return known
                """,
            after="""
                import logging

                import redis
                from redis.backoff import NoBackoff
                from redis.retry import Retry

                log = logging.getLogger(__name__)
                cache = redis.Redis(
                    port=6380,
                    socket_connect_timeout=1.05,
                    socket_timeout=0.25,
                    retry=Retry(NoBackoff(), 1),
                )


                def stock(n):
                    try:
                        known = cache.get(f'stock:{n}')  # filled below
                    except redis.RedisError:
                        log.warning("The cache cannot be read", exc_info=True)
                        known = None
                    if known is None:
                        known = ask(n)
                        try:
                            cache.set(
                                f'stock:{n}',
                                known,
                            )
                        except redis.RedisError:
                            log.warning("The cache cannot be written", exc_info=True)
                    return known
                """,
            at="cache.get",
        ),
        Case(
            "a client that is imported in a function, and used only where there is one",
            before="""
                import json


                class Fares:
                    def fares(self, key):
                        if self.cache is not None:
                            cached = self.cache.get(key)
                            if cached:
                                return json.loads(cached)
                        fares = ask()
                        if self.cache is not None:
                            self.cache.set(key, json.dumps(fares), ex=5)
                        return fares


                def connect(url):
                    import redis  # an extra

                    return redis.Redis.from_url(url)
                """,
            after="""
                import json
                import logging

                logger = logging.getLogger(__name__)


                class Fares:
                    def fares(self, key):
                        if self.cache is not None:
                            import redis  # an extra

                            try:
                                cached = self.cache.get(key)
                            except redis.RedisError:
                                logger.warning("The cache cannot be read", exc_info=True)
                                cached = None
                            if cached:
                                return json.loads(cached)
                        fares = ask()
                        if self.cache is not None:
                            import redis  # an extra

                            try:
                                self.cache.set(key, json.dumps(fares), ex=5)
                            except redis.RedisError:
                                logger.warning("The cache cannot be written", exc_info=True)
                        return fares


                def connect(url):
                    import redis  # an extra

                    return redis.Redis.from_url(url, socket_connect_timeout=1.05, socket_timeout=0.25)
                """,
            at="cache.get",
        ),
        Case(
            "a read that is handed on, of Valkey",
            before="""
                from valkey import Valkey

                v = Valkey(socket_timeout=0.1, socket_connect_timeout=1)


                def known(key):
                    return v.get(key)
                """,
            after="""
                import logging

                from valkey import Valkey, ValkeyError

                logger = logging.getLogger(__name__)

                v = Valkey(socket_timeout=0.1, socket_connect_timeout=1)


                def known(key):
                    try:
                        return v.get(key)
                    except ValkeyError:
                        logger.warning("The cache cannot be read", exc_info=True)
                        return None
                """,
            at="v.get",
        ),
        Case(
            "the client alone",
            before="import redis\n\nr = redis.Redis.from_url(URL, socket_timeout=None)\n",
            after="import redis\n\nr = redis.Redis.from_url(URL, socket_timeout=0.25, socket_connect_timeout=1.05)\n",
            at="from_url",
        ),
        Case(
            "a counter beside it",
            before="""
                import redis

                r = redis.Redis()


                def f(key):
                    r.incr('seen')
                    x = r.get(key)
                    return x
                """,
            declined="more than a cache",
            at="r.get",
        ),
        Case(
            "a lock",
            before="import redis\n\nr = redis.Redis()\nmine = r.set(key, 1, nx=True)\n",
            declined="more than a cache",
            at="r.set",
        ),
        Case(
            "a larger expression",
            before="import redis\n\nr = redis.Redis()\nx = int(r.get(key) or 0)\n",
            declined="larger expression",
            at="r.get",
        ),
        Case(
            "it is caught already",
            before="""
                import redis

                r = redis.Redis()
                try:
                    x = r.get(key)
                    y = f(x)
                except redis.RedisError:
                    raise Unavailable
                """,
            declined="caught already",
            at="r.get",
        ),
        Case("nothing of the kind", before="x = f(key)\n", declined="no call of a cache", at="f(key)"),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Guard the calls on this client in the function of the spot, and bound the client's waits."""
        module = Source(source)
        if at_line(module, [call for call in [_caches.client(module)] if call], spot.line):
            after = _bounded(source, "", spot)
        else:
            call = _caches.cache_call(module, spot.line, spot.method)
            if call is None:
                raise Declined(f"no call of a cache stands on line {spot.line}")
            on = receiver(call)
            assert on is not None
            library = _caches.library(module, spot.library, spot.lazily)
            after = _bounded(_guarded(module, call, library), module.code(on), spot)
        if after == source:
            raise AlreadyThere("the cache's errors are caught, and its waits are bounded")
        return after

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal a call site, and one for the client where another file makes it."""
        imported = _imported(evidence)
        for site, patterns in by_site(evidence, "cache_on_critical_path"):
            calls = evidence.tables.calls
            healthy = calls[(calls["seam"] == "cache") & (calls["faults"].map(len) == 0) & calls["error"].isna()]
            timeouts = bound(healthy["seconds"].to_list())
            told = (
                timeouts.told
                if timeouts
                else f"Of {NEED} fault-free commands a timeout takes, {len(healthy)} are here."
            )
            spot = replace(imported, timeout=(timeouts.connect, timeouts.read) if timeouts else (0.0, 0.0))
            for place in (site, *_client_elsewhere(evidence, site)):
                yield from evidence.proposal(
                    self,
                    patterns,
                    place,
                    replace(spot, line=place.line, method=method(patterns[0])),
                    what=_WHAT if place is site else _WHAT_CLIENT,
                    why=f"{summaries(patterns)} {told}",
                    caution=_CAUTION,
                )


_WHAT = (
    "Catch the client's own error around the read, and go on as after a miss; around the write, and go on without; log "
    "both. Where the client is made, bound its waits and its repetitions."
)
_WHAT_CLIENT = "Bound the waits of the cache's client, and how often it tries, where it is made."
_CAUTION = (
    "Without its cache the source gets all the load: limit the requests in flight to it. Not for keys that the cache "
    "alone knows (locks, counters, sessions): what else uses this client now waits less long and tries less often. An "
    "address may bring limits of its own (?socket_timeout=), which win. A write that failed leaves the old value until "
    "it expires."
)


def _guarded(source: Source, call: cst.Call, library: _caches.Library) -> str:
    """The text with each read and write of this client in the call's function guarded; Declined where `call` cannot."""
    on, function = source.code(receiver(call) or call), function_around(source, call)
    calls = [each for each in source.find(cst.Call) if (to := receiver(each)) is not None and source.code(to) == on]
    calls = [each for each in calls if function_around(source, each) is function]
    _caches.refuse_shared(source, calls)
    code, splices = _caches.error(source, library)
    log, more = logger(source, call)
    changed, blocks = [], list[cst.CSTNode]()
    for each in (each for each in calls if _caches.verb(each) in (*_caches.MISSES, *_caches.WRITES)):
        try:
            statement, kept = _statement(source, each)
        except AlreadyThere:
            continue
        except Declined:
            if each is call:
                raise
            continue
        above = library.lazily if not _imports(source, statement, function, blocks, library.name) else ""
        handler = [f"except {code}:", *(f"{source.module.default_indent}{line}" for line in _told(log, kept))]
        changed += guarded(source, statement, handler, above)
        blocks.append(source.ancestors(statement)[0])
    return source.splice([*splices, *more, *changed]) if changed else source.text


def _told(log: str, kept: str | None) -> list[str]:
    done = "written" if kept is None else "read"
    return [f'{log}.warning("The cache cannot be {done}", exc_info=True)', *([kept] if kept else [])]


def _statement(source: Source, call: cst.Call) -> tuple[cst.SimpleStatementLine, str | None]:
    """The statement that consists of the call, and what stands in its stead after an error: None for a write."""
    statement = next((node for node in source.ancestors(call) if isinstance(node, cst.SimpleStatementLine)), None)
    for guard in guards(source, call):
        if not catches(source, guard, _caches.ERRORS.values()):
            continue
        if isinstance(guard.body, cst.IndentedBlock) and len(guard.body.body) == 1:
            raise AlreadyThere("the call has a `try` of its own")
        raise Declined("the call's errors are caught already, with others': see what becomes of them")
    last = statement.body[0] if statement and len(statement.body) == 1 else None
    verb = _caches.verb(call)
    if statement is not None and getattr(last, "value", None) is call:
        if isinstance(last, cst.Expr) and verb in _caches.WRITES:
            return statement, None
        if verb in _caches.MISSES:
            miss = _caches.MISSES[verb].format(source.code(call.args[0].value) if call.args else "")
            if isinstance(last, cst.Return):
                return statement, f"return {miss}"
            if isinstance(last, cst.AnnAssign):
                return statement, f"{source.code(last.target)} = {miss}"
            if isinstance(last, cst.Assign) and len(last.targets) == 1:
                return statement, f"{source.code(last.targets[0].target)} = {miss}"
    raise Declined("the call stands in a larger expression: give its value a name, and catch the error there")


def _imports(
    source: Source, statement: cst.CSTNode, function: cst.FunctionDef | None, blocks: list[cst.CSTNode], module: str
) -> bool:
    """Whether the library's name is there at the statement: from the function's own import, or from one put above."""
    around = source.ancestors(statement)
    if any(block in around for block in blocks):
        return True
    own = [node for node in source.find(cst.Import) if any(source.code(each.name) == module for each in node.names)]
    return any(function_around(source, node) is function for node in own)


def _bounded(text: str, on: str, spot: Spot) -> str:
    """The text with the waits of the client `on` bounded, where this module makes it and a value was measured."""
    source, (connect, read) = Source(text), spot.timeout
    client = _caches.client(source, on)
    if client is None or has_star(client) or not read:
        return text
    wanted = {"socket_connect_timeout": f"{connect:g}", "socket_timeout": f"{read:g}"}
    unset = [
        (*source.span(given.value), value)
        for name, value in wanted.items()
        if (given := keyword(client, name)) is not None and source.code(given.value) == "None"
    ]
    missing = [f"{name}={value}" for name, value in wanted.items() if keyword(client, name) is None]
    splices: list[Splice] = list(unset)
    if source.qualified(client) in ("redis.Redis", "redis.StrictRedis") and not _repeats(client):
        retry, imports = _caches.one_more(source)
        missing.append(retry)
        splices += imports
    return with_keywords(source.splice(splices), lambda again: _caches.client(again, on), missing)


def _repeats(client: cst.Call) -> bool:
    return any(keyword(client, name) for name in ("retry", "retry_on_timeout", "retry_on_error"))


def _imported(evidence: Evidence) -> Spot:
    """A spot that knows which client the app imports somewhere, for a file that does not."""
    for file in evidence.sources.files():
        text = evidence.sources.text(file) or ""
        try:
            found = _caches.library(Source(text)) if any(word in text for word in _caches.WORDS) else None
        except Declined:
            continue
        if found:
            return Spot(library=found.name, lazily=found.lazily)
    return Spot()


def _client_elsewhere(evidence: Evidence, site: Site) -> Iterator[Site]:
    """Where the app's only client is made, if that is in another file than the call."""
    made = list(homes(evidence.sources, _caches.WORDS, lambda source: [c for c in [_caches.client(source)] if c]))
    if len(made) == 1 and made[0].file != site.file:
        yield made[0]
