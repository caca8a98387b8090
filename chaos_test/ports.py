"""Ports that are free. None is given twice: whoever gets one takes a moment to listen on it."""

from __future__ import annotations

import socket

_given: set[int] = set()


def free() -> int:
    """A port of loopback on which nobody listens, and that nobody else in this process was given."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _given:
            _given.add(port)
            return port
