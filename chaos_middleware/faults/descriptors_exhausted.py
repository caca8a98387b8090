"""`descriptors_exhausted`: the process has no file descriptors left: no file, no connection can be opened (EMFILE)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.faults.memory_pressure import MOST_SECONDS
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class DescriptorsExhausted(Fault):
    """All but `leave` descriptors are taken for `seconds`."""

    name = "descriptors_exhausted"

    leave: int
    seconds: float

    @classmethod
    def read(cls, settings: Reader) -> DescriptorsExhausted:
        return cls(settings.integer("leave", 0, 10_000, 0), settings.number("seconds", 0, MOST_SECONDS, 10))

    def asked(self) -> dict[str, Any]:
        return {"leave": self.leave, "seconds": self.seconds}

    def act(self, target: Target) -> None:
        target.press("descriptors", self.leave, self.seconds)
