"""`slicer`: what the other side sends comes in small pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class Slicer(Fault):
    """Pieces of `bytes` bytes, `seconds` apart."""

    name = "slicer"

    bytes: int
    seconds: float

    @classmethod
    def read(cls, settings: Reader) -> Slicer:
        return cls(settings.integer("bytes", 1, 65_536, 64), settings.number("seconds", 0, 10, 0.001))

    def asked(self) -> dict[str, Any]:
        return {"bytes": self.bytes, "seconds": self.seconds}

    def act(self, target: Target) -> None:
        target.impair("slicer", self.bytes, seconds=self.seconds)
