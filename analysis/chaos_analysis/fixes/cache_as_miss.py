"""A cache's error taken for a miss, where what it keeps can be had without it; and a client that gives up soon."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from chaos_analysis.fixes import _caches
from chaos_analysis.fixes._bound import NEED, bound
from chaos_analysis.fixes._cache_clients import bounded, elsewhere
from chaos_analysis.fixes._cache_guards import without_errors
from chaos_analysis.fixes._calls import receiver
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._places import by_site
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Proposal
    from chaos_analysis.sources import Sources


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
            "a read that is named in a test",
            before="""
                import logging

                from redis import Redis

                log = logging.getLogger(__name__)


                def stock(cache: Redis, key):
                    if (known := cache.get(key)) is not None:
                        return known
                    return ask(key)
                """,
            after="""
                import logging

                from redis import Redis, RedisError

                log = logging.getLogger(__name__)


                def stock(cache: Redis, key):
                    try:
                        known = cache.get(key)
                    except RedisError:
                        log.warning("The cache cannot be read", exc_info=True)
                        known = None
                    if known is not None:
                        return known
                    return ask(key)
                """,
            at="cache.get",
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
        call = _caches.cache_call(module, spot.line, spot.method)
        if call is None:
            raise Declined(f"no call of a cache stands on line {spot.line}")
        library = _caches.library(module, spot.library, spot.lazily)
        after = bounded(without_errors(module, call, library), module.code(receiver(call) or call), spot)
        if after == source:
            raise AlreadyThere("the cache's errors are caught, and its waits are bounded")
        return after

    def edits(self, sources: Sources, file: str, spot: Spot) -> dict[str, str]:
        """The call's file, and the client's where that is another one."""
        texts: dict[str, str] = {}
        with suppress(AlreadyThere):
            texts = super().edits(sources, file, spot)
        other = elsewhere(sources, file)
        if other is not None and (before := sources.text(other)) != (after := bounded(before or "", "", spot)):
            texts[other] = after
        if not texts:
            raise AlreadyThere("the cache's errors are caught, and its waits are bounded")
        return texts

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal a call site."""
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
            yield from evidence.proposal(
                self,
                patterns,
                site,
                replace(spot, line=site.line, method=method(patterns[0])),
                what=(
                    "Catch the client's own error around the read, and go on as after a miss; around the write, and go "
                    "on without; log both. Where the client is made, bound its waits and its repetitions."
                ),
                why=f"{summaries(patterns)} {told}",
                caution=_CAUTION,
            )


_CAUTION = (
    "Without its cache the source gets all the load: limit the requests in flight to it. Not for keys that the cache "
    "alone knows (locks, counters, sessions): what else uses this client now waits less long and tries less often. An "
    "address may bring limits of its own (?socket_timeout=), which win. A write that failed leaves the old value until "
    "it expires. A value that comes and cannot be read (garbage, an older format) is no error of the client: check it."
)


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
