"""Connections of the network: what the rules of this seam are about. The proxy that has them in hand is `chaos_test`'s.

A process of its own stands between two others; nothing of it runs in the app.
"""

from __future__ import annotations

from chaos_middleware.calls import Call
from chaos_middleware.request import Request

KEY = "network"  # no client's request can have it: it has no dots


class Connection(Call):
    """The nth connection of a link."""

    __slots__ = ("_ordinal",)

    seam = "network"

    def __init__(self, link: str, ordinal: int) -> None:
        super().__init__((link,))
        self._ordinal = ordinal

    @property
    def identity(self) -> str:
        return f"{self.facts[0]} connection {self._ordinal}"


class Passage(Request):
    """What the events of one connection are noted under."""

    def where(self) -> str:
        return ""
