"""Free ports."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Self

from chaos_test import ports

if TYPE_CHECKING:
    import pytest


def test_it_can_be_listened_on() -> None:
    """Nobody does so far."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", ports.free()))


def test_none_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system gives one again as soon as it is free, and those that are to listen there have not begun to."""
    offered = iter((40_001, 40_001, 40_002))

    class Probe:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def bind(self, address: tuple[str, int]) -> None:
            self.address = address[0], next(offered)

        def getsockname(self) -> tuple[str, int]:
            return self.address

    monkeypatch.setattr(ports, "_given", set())
    monkeypatch.setattr(ports.socket, "socket", Probe)
    assert (ports.free(), ports.free()) == (40_001, 40_002)
