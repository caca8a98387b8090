"""Calls of a cache: the commands and pipelines of redis-py (4.5 to 8) and valkey-py, and whatever is built on them."""

from __future__ import annotations

from collections.abc import Sequence

from chaos_middleware.patching import Patches, Replace
from chaos_middleware.seams.cache.hooks import command, get_connection, pipeline


def _changes(library: str, client: str) -> dict[str, Sequence[Replace]]:
    return {
        f"{library}.client": (
            Replace(f"{client}._send_command_parse_response", command(library)),
            Replace("Pipeline._execute_pipeline", pipeline(library)),
            Replace("Pipeline._execute_transaction", pipeline(library)),
        ),
        f"{library}.connection": (
            Replace("ConnectionPool.get_connection", get_connection),
            Replace("BlockingConnectionPool.get_connection", get_connection),
        ),
    }


SEAM = Patches("cache", {**_changes("redis", "Redis"), **_changes("valkey", "Valkey")})
