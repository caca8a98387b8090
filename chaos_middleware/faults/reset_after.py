"""`reset_after`: the connection is reset when the other side has sent so much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class ResetAfter(Fault):
    """A true RST after exactly `bytes` bytes; with 0 in the place of the first one."""

    name = "reset_after"

    bytes: int

    @classmethod
    def read(cls, settings: Reader) -> ResetAfter:
        return cls(settings.integer("bytes", 0, 10**12, 0))

    def asked(self) -> dict[str, Any]:
        return {"bytes": self.bytes}

    def act(self, target: Target) -> None:
        target.impair("reset_after", self.bytes)
