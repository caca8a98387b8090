"""What the app uses and no seam sees, said once in the ledger: silence about it must not pass for health.

A line here is a library, its module, and a function of it that every use comes through. It is not told at the import:
many libraries import what the app never uses.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Callable

from chaos_middleware.patching import Patches, Replace
from chaos_middleware.request import current

if TYPE_CHECKING:
    from chaos_middleware.ledger import Ledger

LIBRARIES: tuple[tuple[str, str, str], ...] = (
    ("aiohttp", "aiohttp.client", "ClientSession._request"),
    ("aiomysql", "aiomysql.connection", "Connection._connect"),
    ("asyncpg", "asyncpg.connect_utils", "_connect"),
    ("psycopg.AsyncConnection", "psycopg.connection_async", "AsyncConnection.__init__"),
    ("redis.asyncio", "redis.asyncio.connection", "Connection.connect"),
    ("redis.cluster", "redis.cluster", "RedisCluster.__init__"),
    ("sqlalchemy.ext.asyncio", "sqlalchemy.ext.asyncio.engine", "AsyncEngine.__init__"),
    ("valkey.asyncio", "valkey.asyncio.connection", "Connection.connect"),
    ("valkey.cluster", "valkey.cluster", "ValkeyCluster.__init__"),
)

_used: dict[str, None] = {}  # in the order in which it was noticed


def tell(ledger: Ledger) -> None:
    """Note in the ledger what was used so far; each library once in a run."""
    for library in tuple(_used):
        if ledger.claim(f"{library}.unseen"):
            text = f"the app uses {library}, which no seam sees: its calls meet no rule and are not noted"
            ledger.write("note", level="warning", text=text)


def _notice(library: str) -> Callable[[Any], Any]:
    def wrap(original: Any) -> Any:
        @wraps(original)
        def noticed(*args: Any, **kwargs: Any) -> Any:
            if library not in _used:
                _used[library] = None
                request = current.get()
                if request is not None:
                    tell(request.injector.ledger)
            return original(*args, **kwargs)

        return noticed

    return wrap


UNSEEN = Patches("unseen", {module: (Replace(path, _notice(library)),) for library, module, path in LIBRARIES})
