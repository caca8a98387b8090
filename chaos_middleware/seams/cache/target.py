"""How the faults look at a call of a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from chaos_middleware.calls import CallTarget
from chaos_middleware.seams.cache.commands import VALUES

if TYPE_CHECKING:
    from chaos_middleware.seams.cache.exchange import CacheExchange


class CacheTarget(CallTarget):
    """One firing at one attempt."""

    place = "a call of a cache"
    exchange: CacheExchange

    def fail(self, how: str, give_up: float = 0.0) -> NoReturn:
        exchange = self.exchange
        if how == "connection_refused":
            self.fail_with(exchange.refused())
        if how == "connect_timeout":
            self.sleep(give_up if exchange.connect is None else exchange.connect)
            self.fail_with(exchange.connect_timed_out())
        left = exchange.left()
        if how == "read_timeout":
            self.sleep(give_up if left is None else left)
            if left is not None:
                self.fail_with(exchange.timed_out())
        self.fail_with(exchange.was_reset())

    def miss(self) -> None:
        self.exchange.missing = True
        self.firing.did = "asked for a key that is not there"

    def stale(self) -> None:
        exchange = self.exchange
        replies, decode = exchange.replies, exchange.encoder().decode
        for index, item, value in exchange.before:
            if item is None:
                replies[index] = decode(value)
            else:
                replies[index] = [*replies[index][:item], decode(value), *replies[index][item + 1 :]]
        known = sum(value is not None for _, _, value in exchange.before)
        self.firing.did = f"{known} of {len(exchange.before)} values as before, the others missing"

    def garble(self, body: bytes) -> None:
        exchange = self.exchange
        garbage = exchange.encoder().decode(body)
        for index, name in enumerate(exchange.names):
            if name in VALUES:
                exchange.replies[index] = _garbled(exchange.replies[index], garbage)
        self.firing.did = f"{len(body)} other bytes"


def _garbled(reply: Any, garbage: Any) -> Any:
    """The same answer with garbage for each value, stored or not."""
    if reply is None or isinstance(reply, (bytes, str)):
        return garbage
    if isinstance(reply, dict):
        return {field: _garbled(value, garbage) for field, value in reply.items()}
    return type(reply)(_garbled(item, garbage) for item in reply) if isinstance(reply, (list, set)) else reply
