"""Notes of database calls that no rule is for (`chaos_middleware.calm`): what is slow to find out is found out when a
note is written down, which few ever are.
"""

from __future__ import annotations

from time import monotonic, time
from typing import Any

from chaos_middleware.calls import told_of
from chaos_middleware.callsite import site_of
from chaos_middleware.seams.database.statements import identity


class Quiet:
    """A note that was kept as `(Quiet, what was called, its values, the spot, when it began and ended, the class of its
    error or None)`: nothing is made of it before it is written down.
    """

    def __init__(self, *note: Any) -> None:
        self._note = note

    def record(self) -> dict[str, Any]:
        """The ledger's fields of this call."""
        about, values, spot, began, ended, failed = self._note
        return {
            "seam": "database",
            "target": identity(about, values),
            "occurrence": None,
            "site": spot and site_of(spot)._asdict(),
            "started": time() - (monotonic() - began),
            "seconds": ended - began,
            "status": None,
            "error": failed,
            "timeout": None,
            "faults": [],
            **told_of(values, late=True),
        }
