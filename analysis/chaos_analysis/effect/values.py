"""What was measured of a change, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chaos_analysis.model import Estimate

ENDPOINTS = "every endpoint"  # the gate that none had to be left out
IMPORTS = "imports"  # the gate that all that a change imports is there: what is missing here may be there elsewhere
RUNS = "runs"  # the gate that a replay was played to its end
Verdict = Literal["improved", "worse", "no difference", "inconclusive", "not comparable"]


@dataclass(frozen=True)
class Gate:
    """One thing that must hold of a change, whatever it mends; `ok` is None where it could not be asked."""

    name: str
    ok: bool | None
    summary: str


@dataclass(frozen=True)
class Measured:
    """One change under one condition (`"as declared"`, or `"outage"`: what failed once keeps failing).

    `pairs` are requests that both sides have, `faulted` those that met a fault on either; `rescued` failed without the
    change only, `broken` with it only; `p_value` is of McNemar's test over the `iterations` of either, each counted
    once, as what fails one of its requests often fails the next.
    `difference` is the change's failure rate less the other's. `useful` and `latency` are ratios, a value a block:
    mean seconds to a useful answer (a failure counts as the client's deadline),
    and median latency of requests that met no fault; `useful_ms` and `latency_ms` are how many milliseconds more that
    is, in the mean of the blocks. `calls` is how many calls a request with a fault makes, with the
    change, to one without it. `repeats` are repeated state-changing calls without an idempotency key, without the
    change and with it; `alone` counts steps of only one side. `steady` is the p-value of rescued less broken by
    blocks: whether they agree. `violated` are invariants that only the change violates.
    """

    condition: str
    pairs: int
    faulted: int
    rescued: int
    broken: int
    p_value: float
    before: Estimate
    after: Estimate
    difference: Estimate
    useful: Estimate
    useful_p: float | None
    latency: Estimate
    latency_p: float | None
    calls: Estimate
    repeats: tuple[int, int]
    alone: tuple[int, int]
    steady: float | None
    useful_ms: float | None = None
    latency_ms: float | None = None
    iterations: tuple[int, int] = (0, 0)
    violated: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()


@dataclass(frozen=True)
class Effect:
    """What a change comes to. `saved` is how many failures of a thousand requests it takes away, `need` how many pairs
    would settle what is inconclusive. Verdict and `saved` are of the first condition in `measured`.
    """

    verdict: Verdict
    reason: str
    saved: float | None = None
    need: int | None = None
    gates: tuple[Gate, ...] = ()
    measured: tuple[Measured, ...] = ()

    @property
    def gains(self) -> tuple[Measured, ...]:
        """What it came to under those of the other conditions under which it takes failures away."""
        return tuple(each for each in self.measured[1:] if improved_under(each.condition) in self.reason)


def improved_under(condition: str) -> str:
    """How a reason says that failures are taken away under another condition than the first."""
    return f"under {condition} improved"
