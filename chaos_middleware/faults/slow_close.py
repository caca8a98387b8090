"""`slow_close`: the end of the stream comes late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class SlowClose(Fault):
    """The other side has closed, and this one learns of it `seconds` later."""

    name = "slow_close"

    seconds: float

    @classmethod
    def read(cls, settings: Reader) -> SlowClose:
        return cls(settings.number("seconds", 0, 300, 5))

    def asked(self) -> dict[str, Any]:
        return {"seconds": self.seconds}

    def act(self, target: Target) -> None:
        target.impair("slow_close", self.seconds)
