"""`bandwidth`: what the other side sends comes no faster than a narrow line lets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class Bandwidth(Fault):
    """At most `bytes_per_second` on this connection."""

    name = "bandwidth"

    bytes_per_second: float

    @classmethod
    def read(cls, settings: Reader) -> Bandwidth:
        return cls(settings.number("bytes_per_second", 1, 1e9))

    def asked(self) -> dict[str, Any]:
        return {"bytes_per_second": self.bytes_per_second}

    def act(self, target: Target) -> None:
        target.impair("bandwidth", self.bytes_per_second)
