"""`noop`: decides and records like any fault, and does nothing. The placebo, and the example for a new fault."""

from __future__ import annotations

from dataclasses import dataclass

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class Noop(Fault):
    """Nothing happens. No settings."""

    name = "noop"

    @classmethod
    def read(cls, settings: Reader) -> Noop:  # noqa: ARG003 - it has none
        return cls()

    def act(self, target: Target) -> None:
        """Nothing."""
