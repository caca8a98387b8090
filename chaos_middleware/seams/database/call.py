"""What is called: a statement, the end of a transaction, the checkout of a connection; and which faults it can have."""

from __future__ import annotations

from typing import Any

from chaos_middleware.calls import Call
from chaos_middleware.seams.database.statements import Parsed, identity

CHECKOUT = "CHECKOUT"
ENDS = ("COMMIT", "ROLLBACK")
_CONTROL = (CHECKOUT, "BEGIN", *ENDS, "SAVEPOINT", "RELEASE", "ROLLBACK_TO")
_AT_CHECKOUT = ("pool_exhaustion", "stale_connections")  # the faults of a pool, not of a statement
_ANYWHERE = ("noop", "latency")


class DatabaseCall(Call):
    """`facts` are verb, table, statement and engine. `values` are looked at only where the identity is asked for."""

    __slots__ = ("_about", "_values")

    seam = "database"

    def __init__(self, about: Parsed, values: Any = None) -> None:
        self.facts = about.facts
        self._about = about
        self._values = values

    @property
    def identity(self) -> str:
        return identity(self._about, self._values)

    def takes(self, fault: str) -> bool:
        verb, table, _, engine = self.facts
        if fault in _ANYWHERE:
            return True
        if verb == CHECKOUT or fault in _AT_CHECKOUT:
            return verb == CHECKOUT and fault in _AT_CHECKOUT
        if fault == "lock_contention":
            return bool(table) or (engine == "sqlite" and verb == "BEGIN")
        return True

    def meant(self, fault: str, patterns: tuple[tuple[str, ...], ...]) -> bool:
        return bool(patterns[0]) or self.facts[0] not in _CONTROL or fault in _AT_CHECKOUT
