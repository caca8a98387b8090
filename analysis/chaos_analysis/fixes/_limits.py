"""A limit's value for something that has no connecting in it: a statement, a wait for a pool's connection."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chaos_analysis.fixes._bound import FACTORS, NEED, STEP
from chaos_analysis.fixes._fix import Declined
from chaos_analysis.stats import quantile
from chaos_analysis.wording import seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

FLOOR = 0.5  # seconds; a short stall of the database or of the network is waited out


@dataclass(frozen=True)
class Limit:
    """Seconds, and where they come from, in a sentence."""

    seconds: float
    told: str


def limit(taken: Sequence[float], what: str, deadline: float | None, floor: float) -> Limit:
    """The limit for what took so many seconds, by the factors of `_bound` and at least `floor`; `what` names these.

    Raises `Declined` where they are too few, or where the limit would not be below the client's deadline.
    """
    ordered = np.sort(np.asarray(taken, dtype=np.float64))
    for p, factor in FACTORS:
        upper = quantile(ordered, p, "s").high
        if upper is None:
            continue
        value = max(floor, round(math.ceil(round(upper * factor / STEP, 6)) * STEP, 2))
        if deadline is not None and value >= deadline:
            raise Declined(f"{what} take up to {seconds(upper)}, the client waits {deadline:g} s: no limit serves both")
        return Limit(
            value,
            f"The p{p * 100:g} of {len(ordered)} {what} measured here is at most {seconds(upper)} (95 % bound). Times "
            f"{factor:g}, rounded up, and at least {floor:g} s: {value:g} s.",
        )
    raise Declined(f"need {NEED} {what} for a limit, have {len(ordered)}: more requests, or more `calls.share`")
