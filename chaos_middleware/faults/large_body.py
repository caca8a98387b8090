"""`large_body`: the client sends far more than anyone should."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader

MOST_BYTES = 256 << 20


@dataclass(frozen=True)
class LargeBody(Fault):
    """The request's own JSON and spaces behind it, `bytes` bytes in all. The default is beyond the 16 MB that Flask's
    documentation sets as a limit.
    """

    name = "large_body"

    bytes: int

    @classmethod
    def read(cls, settings: Reader) -> LargeBody:
        return cls(settings.integer("bytes", 1, MOST_BYTES, 20 << 20))

    def asked(self) -> dict[str, Any]:
        return {"bytes": self.bytes}

    def act(self, target: Target) -> None:
        target.lengthen(self.bytes)
