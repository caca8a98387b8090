"""`slow_body`: the answer's headers come at once, its body dribbles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class SlowBody(Fault):
    """The body comes at `bytes_per_second`, but takes no longer than `max_seconds` more than it would have."""

    name = "slow_body"

    bytes_per_second: float
    max_seconds: float

    @classmethod
    def read(cls, settings: Reader) -> SlowBody:
        return cls(settings.number("bytes_per_second", 1, 1e9, 1024), settings.number("max_seconds", 0, 300, 10))

    def asked(self) -> dict[str, Any]:
        return {"bytes_per_second": self.bytes_per_second, "max_seconds": self.max_seconds}

    def act(self, target: Target) -> None:
        target.slow(self.bytes_per_second, self.max_seconds)
