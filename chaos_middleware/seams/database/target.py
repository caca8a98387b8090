"""How a fault acts on a call of a database: by its engine or its pool; what then comes out is marked as injected."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Callable

from chaos_middleware.calls import CallTarget
from chaos_middleware.errors import UnsupportedFault, injected_by, mark_injected
from chaos_middleware.seams.database.call import ENDS
from chaos_middleware.seams.database.engines import engine_of, in_a_line
from chaos_middleware.seams.database.pool import cut_off, exhaust

if TYPE_CHECKING:
    from chaos_middleware.seams.database.exchange import DatabaseExchange


class DatabaseTarget(CallTarget):
    """One firing at one database call."""

    place = "a database call"
    exchange: DatabaseExchange

    def stall(self, seconds: float) -> None:
        exchange = self.exchange
        connection, ended = exchange.connection, exchange.done and exchange.call.facts[0] in ENDS
        self._injecting(partial(engine_of(connection).stall, ended=ended), connection, seconds, self._control)

    def error(self, kind: str) -> None:
        exchange = self.exchange
        connection, verb = exchange.connection, exchange.call.facts[0]
        engine = engine_of(connection)
        if kind == "disconnect" and engine.cut(connection):
            self._injecting(exchange.proceed)
            self._injecting(engine.find_out, connection)
        self._injecting(partial(engine.error, ending=verb in ENDS), connection, kind, exchange.call.facts[1])

    def lock(self, seconds: float) -> None:
        exchange = self.exchange
        connection, facts = exchange.connection, exchange.call.facts
        self.firing.did = self._ours(engine_of(connection).lock, connection, facts, seconds, self._control)
        self._injecting(exchange.proceed)

    def exhaust(self, seconds: float) -> None:
        self.firing.did = self._ours(exhaust, self.exchange.subject, seconds, self._control)
        self._injecting(self.exchange.proceed)

    def cut_off(self) -> None:
        self.firing.did = self._ours(cut_off, self.exchange.subject, self.firing.id)

    def _ours(self, act: Callable[..., str], *args: Any) -> str:
        """What is done by connections of our own: where these fail, it is nothing that the app may see."""
        try:
            return act(*args)
        except UnsupportedFault:
            raise
        except Exception as error:
            raise UnsupportedFault(f"{self.firing.fault.name} was not to be had: {in_a_line(error)}") from None

    def _injecting(self, act: Callable[..., Any], *args: Any) -> None:
        """Mark what comes out as injected; it is the driver's own error."""
        try:
            act(*args)
        except Exception as error:
            if injected_by(error) is None:
                mark_injected(error, self.firing.id)
            raise
