"""`memory_pressure`: a process of the app holds memory that the app then does not have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader

MOST_SECONDS = 300.0
_MIB = 1 << 20


@dataclass(frozen=True)
class MemoryPressure(Fault):
    """Holds `megabytes` (MiB), touched so that they are really taken, for `seconds`."""

    name = "memory_pressure"

    megabytes: int
    seconds: float

    @classmethod
    def read(cls, settings: Reader) -> MemoryPressure:
        return cls(settings.integer("megabytes", 1, 16_384, 256), settings.number("seconds", 0, MOST_SECONDS, 10))

    def asked(self) -> dict[str, Any]:
        return {"megabytes": self.megabytes, "seconds": self.seconds}

    def act(self, target: Target) -> None:
        target.press("memory", self.megabytes * _MIB, self.seconds)
