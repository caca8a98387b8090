"""`silence`: the connection stands, and nothing ever comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class Silence(Fault):
    """What is sent is taken and answered by nothing for `seconds`; then the connection is closed."""

    name = "silence"

    seconds: float

    @classmethod
    def read(cls, settings: Reader) -> Silence:
        return cls(settings.number("seconds", 0, 300, 60))

    def asked(self) -> dict[str, Any]:
        return {"seconds": self.seconds}

    def act(self, target: Target) -> None:
        target.impair("silence", self.seconds)
