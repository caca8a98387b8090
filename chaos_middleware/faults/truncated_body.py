"""`truncated_body`: the answer breaks off in the middle of its body, and the connection with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class TruncatedBody(Fault):
    """Only the share `keep` (0 to below 1) of the body comes."""

    name = "truncated_body"

    keep: float

    @classmethod
    def read(cls, settings: Reader) -> TruncatedBody:
        return cls(settings.number("keep", 0, 0.99, 0.5))

    def asked(self) -> dict[str, Any]:
        return {"keep": self.keep}

    def act(self, target: Target) -> None:
        target.truncate(self.keep)
