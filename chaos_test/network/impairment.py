"""What is wrong with one connection, as its faults have put it together; and when each piece may go on.

Everything is about what the other side sends back: what a client waits for.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Impairment:
    """The settings of all faults of a connection; None or 0 is what a healthy one has.

    `delay` seconds for every piece, `jitter` up to so many more, `loss` a share of pieces that stall for `stall`
    seconds, doubled with each further loss; `rate` bytes a second; pieces of `slice` bytes, `gap` seconds apart;
    after `limit` bytes the end of the stream, after `reset` bytes a RST; the end comes `linger` seconds late.
    """

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    stall: float = 0.0
    rate: float | None = None
    slice: int | None = None
    gap: float = 0.0
    limit: int | None = None
    reset: int | None = None
    silence: float | None = None
    linger: float = 0.0
    dice: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - it must be repeatable
    _free: float = 0.0

    @property
    def shapes(self) -> bool:
        """Whether pieces go on otherwise than they come."""
        return any((self.delay, self.jitter, self.loss, self.rate, self.slice)) or not self.endless

    @property
    def endless(self) -> bool:
        """Whether the stream may be as long as it likes."""
        return self.limit is None and self.reset is None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What has come, in the pieces in which it goes on."""
        size = self.slice or len(data)
        for at in range(0, len(data), size):
            yield data[at : at + size]

    def due(self, size: int, came: float, now: float | None = None) -> float:
        """When a piece of so many bytes that came at a time may go on (`time.monotonic`); in order, always."""
        at = came + self.delay + self.gap
        if self.jitter:
            at += self.jitter * self.dice.random()
        stall = self.stall
        while self.loss and self.dice.random() < self.loss:
            at += stall
            stall *= 2
        now = time.monotonic() if now is None else now
        begins = max(at, self._free)
        self._free = begins + (size / self.rate if self.rate else 0.0) + self.gap
        return begins + (size / self.rate if self.rate else 0.0)

    def allowed(self, sent: int, size: int) -> int:
        """How many of the next bytes may still go on."""
        bounds = [bound for bound in (self.limit, self.reset) if bound is not None]
        return min([size, *(max(0, bound - sent) for bound in bounds)])
