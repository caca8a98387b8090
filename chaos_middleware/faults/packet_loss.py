"""`packet_loss`: a share of the packets has to be sent again, so that what is behind them waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class PacketLoss(Fault):
    """Each piece is lost with the probability `share`, and comes `seconds` later, twice that later if lost again, …:
    TCP never drops bytes of a stream, it stalls. `draw` seeds the losses.
    """

    name = "packet_loss"

    share: float
    seconds: float
    draw: float

    @classmethod
    def read(cls, settings: Reader) -> PacketLoss:
        return cls(settings.number("share", 0, 0.9), settings.number("seconds", 0.001, 10, 0.2), 0.0)

    def settle(self, u: Sequence[float]) -> PacketLoss:
        return replace(self, draw=u[0])

    def asked(self) -> dict[str, Any]:
        return {"share": self.share, "seconds": self.seconds}

    def act(self, target: Target) -> None:
        target.impair("packet_loss", self.share, seconds=self.seconds, draw=self.draw)
