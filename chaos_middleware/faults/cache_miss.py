"""`cache_miss`: the cache has nothing under the keys that are asked for."""

from __future__ import annotations

from dataclasses import dataclass

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class CacheMiss(Fault):
    """What is read is not there; what is written is. No settings."""

    name = "cache_miss"

    @classmethod
    def read(cls, settings: Reader) -> CacheMiss:  # noqa: ARG003 - it has none
        return cls()

    def act(self, target: Target) -> None:
        target.miss()
