"""Calls that no rule is for, as nearly all are: noted with as little work as can be. What is slow to find out is found
out when the note is written down, which few ever are.
"""

from __future__ import annotations

from time import monotonic, time
from typing import TYPE_CHECKING, Any

from chaos_middleware.callsite import site_of
from chaos_middleware.plans import NOTHING
from chaos_middleware.seams.database.statements import Parsed, identity

if TYPE_CHECKING:
    from chaos_middleware.request import Request

_PLACES = 4096
_STATEMENTS_OF_A_PLACE = 512


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
        }


def is_calm(request: Request, about: Parsed) -> bool:
    """Whether nothing is to be done for this call but to keep it in mind: no rule is for it, as far as is remembered of
    where the request is, and calls of the request need not be written down at once.
    """
    if not request.calm and not (request.sampled or request.faults or request.closed):
        request.calm = _calm(request)
    return about in request.calm


def remember(request: Request, about: Parsed) -> None:
    """Remember a call that no rule is for; where rules match on headers, nothing can be."""
    if request.injector.places.get((request.stage, request.path, "database", about.facts)) is NOTHING:
        calm = _calm(request)
        if len(calm) >= _STATEMENTS_OF_A_PLACE:
            calm.clear()
        calm.add(about)


def _calm(request: Request) -> set[object]:
    places = request.injector.calm
    if len(places) >= _PLACES:
        places.clear()
    return places.setdefault((request.stage, request.path), set())
