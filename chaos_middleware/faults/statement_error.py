"""`statement_error`: the statement, or the commit, fails with an error of the driver's own class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader

KINDS = (
    "serialization_failure",
    "deadlock",
    "locked",
    "statement_timeout",
    "unique_violation",
    "read_only",
    "disk_full",
    "disconnect",
)


@dataclass(frozen=True)
class StatementError(Fault):
    """An error of this `kind`, with the code that the database gives it; `disconnect` ends the connection."""

    name = "statement_error"

    kind: str

    @classmethod
    def read(cls, settings: Reader) -> StatementError:
        return cls(settings.choice("kind", KINDS))

    def asked(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def act(self, target: Target) -> None:
        target.error(self.kind)
