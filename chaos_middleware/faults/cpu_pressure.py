"""`cpu_pressure`: something else in the app's process wants the processor all the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.faults.memory_pressure import MOST_SECONDS
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class CpuPressure(Fault):
    """`threads` threads that compute for `seconds`: they want the interpreter and a core like the app's own."""

    name = "cpu_pressure"

    threads: int
    seconds: float

    @classmethod
    def read(cls, settings: Reader) -> CpuPressure:
        return cls(settings.integer("threads", 1, 64, 1), settings.number("seconds", 0, MOST_SECONDS, 10))

    def asked(self) -> dict[str, Any]:
        return {"threads": self.threads, "seconds": self.seconds}

    def act(self, target: Target) -> None:
        target.press("cpu", self.threads, self.seconds)
