"""WHERE it can go wrong: one seam a file or folder. `SEAM_FAULTS` says which faults each seam can have.

`SEAMS` are those that patch a library; the edge (`wsgi`) is a wrapper and needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_middleware.seams import http_client

if TYPE_CHECKING:
    from chaos_middleware.patching import Patches

SEAMS: tuple[Patches, ...] = (http_client.SEAM,)

SEAM_FAULTS: dict[str, tuple[str, ...]] = {
    "wsgi": (
        "noop",
        "latency",
        "exception",
        "http_error",
        "connection_reset",
        "slow_body",
        "truncated_body",
    ),
    "http_client": (
        "noop",
        "latency",
        "connect_timeout",
        "read_timeout",
        "connection_reset",
        "http_error",
        "truncated_body",
        "garbage_body",
    ),
}
