"""WHERE it can go wrong: one seam a file or folder.

`SEAM_FAULTS` says which faults each seam can have, and for each why it cannot be had in phase `after` ("" where it
can). `SEAM_MATCH` says what a rule can match on there, beside the incoming request. `SEAMS` are those that patch a
library; the edge (`wsgi`) is a wrapper and needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_middleware.seams import cache, database, http_client

if TYPE_CHECKING:
    from chaos_middleware.patching import Patches

SEAMS: tuple[Patches, ...] = (http_client.SEAM, cache.SEAM, database.SEAM)

_AN_ANSWER = "it is about what the answer holds, which has no after"
_A_WINDOW = "it begins with its stage and comes after nothing"

SEAM_FAULTS: dict[str, dict[str, str]] = {
    "wsgi": {
        "noop": "",
        "latency": "",
        "exception": "",
        "http_error": "",
        "connection_reset": "",
        "slow_body": "slow_body is about the answer's body, which has no after",
        "truncated_body": "truncated_body is about the answer's body, which has no after",
        "large_body": "large_body is about the request's body, which the app has read by then",
    },
    "http_client": {
        "noop": "",
        "latency": "",
        "connect_timeout": "a call that was made had its connection",
        "read_timeout": "",
        "connection_refused": "a call that was made had its connection",
        "connection_reset": "",
        "http_error": "",
        "truncated_body": "",
        "garbage_body": "",
    },
    "cache": {
        "noop": "",
        "latency": "",
        "connect_timeout": "a call that was made had its connection",
        "read_timeout": "",
        "connection_refused": "a call that was made had its connection",
        "connection_reset": "",
        "garbage_body": _AN_ANSWER,
        "cache_miss": _AN_ANSWER,
        "stale_value": _AN_ANSWER,
    },
    "database": {
        "noop": "",
        "latency": "",
        "slow_statement": "",
        "statement_error": "",
        "lock_contention": "who has its answer waits for no lock",
        "pool_exhaustion": "who has a connection waits for none",
        "stale_connections": "it is about the connection that will be handed out",
    },
    "process": {
        "noop": _A_WINDOW,
        "memory_pressure": _A_WINDOW,
        "cpu_pressure": _A_WINDOW,
        "descriptors_exhausted": _A_WINDOW,
        "worker_killed": _A_WINDOW,
    },
    "network": dict.fromkeys(
        (
            *("noop", "latency", "connection_reset", "jitter", "bandwidth", "slicer", "data_limit", "reset_after"),
            *("live_reset", "silence", "slow_close", "packet_loss", "link_down"),
        ),
        "it is about a connection, which has no after",
    ),
}

SEAM_MATCH: dict[str, tuple[str, ...]] = {
    "wsgi": ("method",),
    "http_client": ("method", "host", "path"),
    "cache": ("command", "key", "host"),
    "database": ("verb", "table", "statement", "engine"),
    "process": (),
    "network": ("link",),
}

WITHOUT_REQUEST = ("process", "network")  # their rules cannot match on the incoming request
