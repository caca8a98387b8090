"""Calls that no rule is for, as nearly all are: which of them a request may make with no more than a note of it.

What is remembered is the call itself (one object for each thing that is called), by stage and path. A seam asks
`call in request.calm` first: that is all that most calls cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_middleware.plans import NOTHING

if TYPE_CHECKING:
    from chaos_middleware.request import Request

_PLACES = 4096
_CALLS_OF_A_PLACE = 512


def is_calm(request: Request, call: object) -> bool:
    """Whether nothing is to be done for this call but to keep it in mind: no rule is for it, as far as is remembered of
    where the request is, and calls of the request need not be written down at once.
    """
    if not request.calm and not (request.sampled or request.faults or request.closed):
        request.calm = _calm(request)
    return call in request.calm


def remember(request: Request, call: object, seam: str, facts: tuple[str, ...]) -> None:
    """Remember a call that no rule is for; where rules match on headers, nothing can be."""
    if request.injector.places.get((request.stage, request.path, seam, facts)) is NOTHING:
        calm = _calm(request)
        if len(calm) >= _CALLS_OF_A_PLACE:
            calm.clear()
        calm.add(call)


def _calm(request: Request) -> set[object]:
    places = request.injector.calm
    if len(places) >= _PLACES:
        places.clear()
    return places.setdefault((request.stage, request.path), set())
