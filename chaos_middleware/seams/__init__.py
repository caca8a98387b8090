"""WHERE it can go wrong: one seam a file. `SEAM_FAULTS` says which faults each seam can have."""

from __future__ import annotations

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
