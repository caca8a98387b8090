"""`read_timeout`: the connection stands and the request is sent, but no answer comes until the caller's timeout ends
the wait.
"""

from __future__ import annotations

from dataclasses import dataclass

from chaos_middleware.faults.base import Target
from chaos_middleware.faults.connect_timeout import ConnectTimeout


@dataclass(frozen=True)
class ReadTimeout(ConnectTimeout):
    """As `connect_timeout`, with the caller's read timeout."""

    name = "read_timeout"

    def act(self, target: Target) -> None:
        target.fail("read_timeout", self.give_up)
