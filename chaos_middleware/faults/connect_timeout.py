"""`connect_timeout`: no connection comes about until the caller's timeout ends the wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class ConnectTimeout(Fault):
    """The caller waits its own connect timeout out; a caller without one waits `give_up` seconds, as a kernel or a
    peer ends it.
    """

    name = "connect_timeout"

    give_up: float

    @classmethod
    def read(cls, settings: Reader) -> ConnectTimeout:
        return cls(settings.number("give_up", 0, 300, 30))

    def asked(self) -> dict[str, Any]:
        return {"give_up": self.give_up}

    def act(self, target: Target) -> None:
        target.fail("connect_timeout", self.give_up)
