"""`live_reset`: the connections that stand at this moment are reset."""

from __future__ import annotations

from dataclasses import dataclass

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class LiveReset(Fault):
    """All but the one that has just been made; no settings."""

    name = "live_reset"

    @classmethod
    def read(cls, settings: Reader) -> LiveReset:  # noqa: ARG003 - it has no settings
        return cls()

    def act(self, target: Target) -> None:
        target.impair("live_reset", 0)
