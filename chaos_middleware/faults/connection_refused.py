"""`connection_refused`: nobody listens there (ECONNREFUSED), as while the dependency restarts."""

from __future__ import annotations

from chaos_middleware.faults.base import Target
from chaos_middleware.faults.connection_reset import ConnectionReset


class ConnectionRefused(ConnectionReset):
    """The connection is refused at once. No settings."""

    name = "connection_refused"

    def act(self, target: Target) -> None:
        target.fail("connection_refused")
