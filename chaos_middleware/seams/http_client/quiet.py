"""Notes of HTTP calls that no rule is for (`chaos_middleware.calm`): what is slow to find out is found out when one is
written down, which few ever are.
"""

from __future__ import annotations

from hashlib import blake2b
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Callable, Optional

from chaos_middleware.callsite import Spot, site_of

if TYPE_CHECKING:
    from chaos_middleware.calls import Call
    from chaos_middleware.request import Request

_KEYS = ("idempotency-key", "x-idempotency-key")
Timeouts = tuple[Optional[float], Optional[float]]
# What is called, from where, what tells the timeouts of what the caller asked for, that, the headers sent, and when.
Begun = tuple["Call", Optional[Spot], Callable[[Any], Timeouts], Any, Any, float]


class Quiet:
    """A note that was kept as `(Quiet, Begun, when it ended, the status or None, the class of the error or None)`."""

    def __init__(self, *note: Any) -> None:
        self._note = note

    def record(self) -> dict[str, Any]:
        """The ledger's fields of this call."""
        (call, spot, timeouts, asked, headers, began), ended, status, failed = self._note
        given = timeouts(asked)
        return {
            "seam": call.seam,
            "target": call.identity,
            "occurrence": None,
            "site": spot and site_of(spot)._asdict(),
            "started": time() - (monotonic() - began),
            "seconds": ended - began,
            "status": status,
            "error": failed,
            "timeout": None if given == (None, None) else given,
            "faults": [],
            **told_of(headers),
        }


def keep(request: Request, begun: Begun, status: int | None, failed: str | None) -> None:
    """A call that no rule is for has ended."""
    note = (Quiet, begun, monotonic(), status, failed)
    if request.faults:  # it has met some meanwhile
        request.injector.record_call(request, note)
    else:
        request.calls.append(note)


def told_of(headers: Any) -> dict[str, str]:
    """What the ledger says of a call's headers; a hash tells which calls carried the same idempotency key, and not what
    it was.
    """
    keys = [value for name, value in (headers or {}).items() if str(name).lower() in _KEYS]
    return {"idempotency_key": blake2b(str(keys[0]).encode(), digest_size=4).hexdigest()} if keys else {}
