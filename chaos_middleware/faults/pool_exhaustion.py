"""`pool_exhaustion`: every connection of the pool is taken."""

from __future__ import annotations

from dataclasses import dataclass

from chaos_middleware.faults.base import Target
from chaos_middleware.faults.slow_statement import SlowStatement


@dataclass(frozen=True)
class PoolExhaustion(SlowStatement):
    """Every other connection of the pool is checked out, for `seconds`; the app's own `pool_timeout` ends its wait."""

    name = "pool_exhaustion"

    def act(self, target: Target) -> None:
        target.exhaust(self.seconds)
