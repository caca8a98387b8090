"""`connection_reset`: the connection ends with a true RST (ECONNRESET), no answer."""

from __future__ import annotations

from dataclasses import dataclass

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class ConnectionReset(Fault):
    """The peer resets the connection. No settings."""

    name = "connection_reset"

    @classmethod
    def read(cls, settings: Reader) -> ConnectionReset:  # noqa: ARG003 - it has none
        return cls()

    def act(self, target: Target) -> None:
        target.fail("connection_reset")
