"""How faults look at a hop of httpx: what would wait or read is done where that can be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_middleware.seams.http_client.exchange import HttpTarget

if TYPE_CHECKING:
    from chaos_middleware.seams.http_client.hop import Hop


class HopTarget(HttpTarget):
    """Notes what its verbs would wait for, and does it when they are through: only `act` can await."""

    exchange: Hop
    _seconds = 0.0
    _is_delay = False
    _keep: float | None = None

    async def act(self) -> None:
        """Record the fault, act, and record its end."""
        injector = self.firing.request.injector
        with injector.run(self.firing) as may:
            if not may:
                return
            try:
                injector.perform(self.firing, self)
            except Exception:
                await self.exchange.wait(self._seconds)
                if not (self._is_delay and self._control.stopped()):
                    raise
            else:
                await self.exchange.wait(self._seconds)
            if self._keep is not None:
                self.exchange.answer, self.firing.did = await self.exchange.cut(self._keep)
                self.exchange.cut_by = self.firing.id

    def delay(self, seconds: float, *, blocking: bool) -> None:
        self._is_delay = True
        super().delay(seconds, blocking=blocking)

    def sleep(self, seconds: float, *, blocking: bool = False) -> None:
        if blocking:
            super().sleep(seconds, blocking=True)
        else:
            self._seconds = seconds

    def truncate(self, keep: float) -> None:
        self._keep = keep
