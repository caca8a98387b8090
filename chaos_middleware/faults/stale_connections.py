"""`stale_connections`: the server ends every connection that lies in the pool, as a restart does."""

from __future__ import annotations

from dataclasses import dataclass

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class StaleConnections(Fault):
    """What the pool hands out next is dead. No settings."""

    name = "stale_connections"

    @classmethod
    def read(cls, settings: Reader) -> StaleConnections:  # noqa: ARG003 - it has none
        return cls()

    def act(self, target: Target) -> None:
        target.cut_off()
