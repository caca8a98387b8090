"""`stale_value`: the cache answers with what it had before."""

from __future__ import annotations

from dataclasses import dataclass

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class StaleValue(Fault):
    """An earlier value in the place of the present one. No settings."""

    name = "stale_value"

    @classmethod
    def read(cls, settings: Reader) -> StaleValue:  # noqa: ARG003 - it has none
        return cls()

    def act(self, target: Target) -> None:
        target.stale()
