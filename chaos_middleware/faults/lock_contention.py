"""`lock_contention`: somebody else holds the lock that the statement needs."""

from __future__ import annotations

from dataclasses import dataclass

from chaos_middleware.faults.base import Target
from chaos_middleware.faults.slow_statement import SlowStatement


@dataclass(frozen=True)
class LockContention(SlowStatement):
    """A second connection holds the lock for `seconds`; the statement waits as long as its own limits let it."""

    name = "lock_contention"

    def act(self, target: Target) -> None:
        target.lock(self.seconds)
