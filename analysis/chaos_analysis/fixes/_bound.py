"""A timeout's value, from what healthy calls took."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chaos_analysis.stats import quantile
from chaos_analysis.stats.quantile import need
from chaos_analysis.wording import count, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

# The highest quantile that the calls support counts. The factor is on its 95 % upper bound: the less far in the tail
# the quantile lies, the more healthy calls lie above it, and the more room they get.
FACTORS = ((0.999, 1.5), (0.99, 2.0), (0.95, 3.0))
NEED = need(FACTORS[-1][0])
# A lost SYN is sent again after 1 s (RFC 6298), a lost segment on Linux after 200 ms at the earliest. One lost packet
# is no outage.
CONNECT_FLOOR = 1.05
READ_FLOOR = 0.25
STEP = 0.05


@dataclass(frozen=True)
class Bound:
    """Timeouts in seconds for connecting and reading, and where they come from, in a sentence."""

    connect: float
    read: float
    told: str


def bound(taken: Sequence[float]) -> Bound | None:
    """The timeouts for a call whose healthy calls took so many seconds; None where they are fewer than `NEED`."""
    ordered = np.sort(np.asarray(taken, dtype=np.float64))
    for p, factor in FACTORS:
        upper = quantile(ordered, p, "s").high
        if upper is None:
            continue
        read = max(READ_FLOOR, round(math.ceil(round(upper * factor / STEP, 6)) * STEP, 2))
        connect = max(CONNECT_FLOOR, read)
        told = (
            f"The p{p * 100:g} of {count(len(ordered))} fault-free calls measured here is at most {seconds(upper)} "
            f"(95 % bound). Times {factor:g}, rounded up, and at least {READ_FLOOR:g} s for reading and "
            f"{CONNECT_FLOOR:g} s for connecting, so that one lost packet is survived: ({connect:g}, {read:g}) s."
        )
        return Bound(connect, read, told)
    return None
