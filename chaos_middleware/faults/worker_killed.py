"""`worker_killed`: one of the app's worker processes is gone, by SIGKILL."""

from __future__ import annotations

from dataclasses import dataclass

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class WorkerKilled(Fault):
    """The requests that the worker has in hand get no answer; the server starts another one."""

    name = "worker_killed"

    @classmethod
    def read(cls, settings: Reader) -> WorkerKilled:  # noqa: ARG003 - it has no settings
        return cls()

    def act(self, target: Target) -> None:
        target.kill()
