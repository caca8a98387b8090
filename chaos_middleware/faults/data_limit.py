"""`data_limit`: the connection is closed in good order when the other side has sent so much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class DataLimit(Fault):
    """After `bytes` bytes comes the end of the stream, as if it were the real one."""

    name = "data_limit"

    bytes: int

    @classmethod
    def read(cls, settings: Reader) -> DataLimit:
        return cls(settings.integer("bytes", 0, 10**12))

    def asked(self) -> dict[str, Any]:
        return {"bytes": self.bytes}

    def act(self, target: Target) -> None:
        target.impair("data_limit", self.bytes)
