"""`slow_statement`: the database itself is busy before it comes to the statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.faults.latency import MAX_SECONDS
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class SlowStatement(Fault):
    """The server works for `seconds` on the connection of the call; its own limits on statements end that."""

    name = "slow_statement"

    seconds: float

    @classmethod
    def read(cls, settings: Reader) -> SlowStatement:
        return cls(settings.number("seconds", 0, MAX_SECONDS))

    def asked(self) -> dict[str, Any]:
        return {"seconds": self.seconds}

    def act(self, target: Target) -> None:
        target.stall(self.seconds)
