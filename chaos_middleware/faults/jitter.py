"""`jitter`: what the other side sends comes with a delay that varies from piece to piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class Jitter(Fault):
    """Each piece is late by a time between 0 and `seconds`; `draw` seeds them."""

    name = "jitter"

    seconds: float
    draw: float

    @classmethod
    def read(cls, settings: Reader) -> Jitter:
        return cls(settings.number("seconds", 0, 60), 0.0)

    def settle(self, u: Sequence[float]) -> Jitter:
        return replace(self, draw=u[0])

    def asked(self) -> dict[str, Any]:
        return {"seconds": self.seconds}

    def act(self, target: Target) -> None:
        target.impair("jitter", self.seconds, draw=self.draw)
