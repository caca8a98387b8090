"""SQLAlchemy's connection pools: every connection taken, every connection dead."""

from __future__ import annotations

import threading
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from chaos_middleware.errors import UnsupportedFault
from chaos_middleware.seams.database.engines import engine_of

if TYPE_CHECKING:
    from chaos_middleware.control import Control

ENDED: WeakKeyDictionary[Any, str] = WeakKeyDictionary()  # connections that a fault has ended -> the event
_EXHAUSTED: WeakKeyDictionary[Any, list[int]] = WeakKeyDictionary()  # pools -> open before, exhaustions under way
_lock = threading.Lock()  # never held while anybody waits
_IN_USE_SECONDS = 1.0  # so long we wait for the connections that other requests have at the moment


def exhaust(pool: Any, seconds: float, control: Control) -> str:
    """Take every connection that the pool may have, and keep them for so long; returns in words what was taken.

    Those that other requests have at the moment are waited for, for a second at most. Afterwards the pool has no more
    open than before.
    """
    if not hasattr(pool, "_inc_overflow") or pool._max_overflow < 0:
        raise UnsupportedFault(f"pool_exhaustion cannot be had: a {type(pool).__name__} like this has no limit")
    held: list[Any] = []
    limit, until = pool.size() + pool._max_overflow, monotonic() + _IN_USE_SECONDS
    with _lock:
        _EXHAUSTED.setdefault(pool, [_open(pool), 0])[1] += 1

    def keep() -> None:
        control.sleep(seconds)
        _give_back(pool, held)

    try:
        while len(held) < limit:
            record = _take(pool, until)
            if record is None:
                break
            held.append(record)
        threading.Thread(target=keep, name="chaos pool_exhaustion", daemon=True).start()
    except BaseException:  # a limit of the app's own, as gevent.Timeout, or no thread to be had
        _give_back(pool, held)
        raise
    return f"{len(held)} of {limit} connections held for {seconds:g} s"


def _open(pool: Any) -> int:
    """How many connections the pool has, in use or not."""
    return int(pool.size() + pool._overflow)


def _give_back(pool: Any, held: list[Any]) -> None:
    """First to those who wait; what then lies there and is more than there was before is closed. The last of several
    exhaustions has what the others could not close.
    """
    from sqlalchemy.util.queue import Empty  # noqa: PLC0415 - it is the app's, and loaded

    for record in held:
        pool._do_return_conn(record)
    with _lock:
        under_way = _EXHAUSTED[pool]
        under_way[1] -= 1
        if not under_way[1]:
            del _EXHAUSTED[pool]
    with suppress(Empty):
        while _open(pool) > under_way[0]:
            record = pool._pool.get(False)
            record.close()
            pool._dec_overflow()


def _take(pool: Any, until: float) -> Any:
    """One more connection of the pool, or None where none is to be had any more."""
    from sqlalchemy.util.queue import Empty  # noqa: PLC0415 - it is the app's, and loaded

    try:
        return pool._pool.get(False)
    except Empty:
        pass
    if not pool._inc_overflow():
        try:
            return pool._pool.get(True, max(0.0, until - monotonic()))
        except Empty:
            return None
    try:
        return pool._create_connection()
    except BaseException as error:
        pool._dec_overflow()
        if not isinstance(error, Exception):
            raise
        return None  # the server has no more of them: then the app cannot have it either


def cut_off(pool: Any, event: str) -> str:
    """End every connection that lies in the pool from the server's side; returns in words how many.

    The first error on each of them, in whichever request, is marked as injected by `event`.
    """
    if not hasattr(pool, "_inc_overflow"):
        raise UnsupportedFault(f"stale_connections cannot be had: a {type(pool).__name__} keeps none")
    with pool._pool.mutex:
        connections = [found for found in map(_connection, pool._pool.queue) if found is not None]
    if connections:
        engine_of(connections[0]).end(connections)
        ENDED.update(dict.fromkeys(connections, event))
    return f"{len(connections)} connections ended"


def _connection(record: Any) -> Any:
    return getattr(record, "dbapi_connection", None) or getattr(record, "connection", None)
