"""What a comparison says: of all requests, of each endpoint, and of the requests that met exactly one rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chaos_analysis.effect.values import Gate, Verdict
from chaos_analysis.model import Estimate

Kind = Literal["all", "endpoint", "rule"]
Method = Literal["paired", "unpaired", "locust-csv"]
State = Literal["appeared", "stayed", "disappeared"]
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class Latency:
    """A quantile of the successes of both sides in ms. It is shown and never judged by itself."""

    quantile: str
    before: Estimate
    after: Estimate


@dataclass(frozen=True)
class Group:
    """Requests that are judged together. `requests` are those compared, of each side; of pairs both are one number.

    `difference` is the failure rate after less that before; `rescued` and `broken` pairs failed on one side only, None
    without pairs. `p_value` is of the failures alone and not adjusted; `verdict` rests on the adjusted one. `useful` is
    how many times as long a useful answer takes afterwards, where the runs took turns, with `useful_p`.
    """

    kind: Kind
    name: str
    verdict: Verdict
    reason: str
    need: int | None
    requests: tuple[int, int]
    before: Estimate
    after: Estimate
    difference: Estimate
    rescued: int | None
    broken: int | None
    p_value: float | None
    useful: Estimate
    useful_p: float | None
    latencies: tuple[Latency, ...] = ()


@dataclass(frozen=True)
class PatternChange:
    """A pattern that either side shows, with the failures that it explains on each."""

    id: str
    title: str
    severity: str
    state: State
    failures: tuple[int, int]


@dataclass(frozen=True)
class Side:
    """What was compared: the runs' ids, seeds and git revisions (each once), and the requests of all of them."""

    runs: tuple[str, ...]
    seeds: tuple[int, ...]
    revisions: tuple[str, ...]
    requests: int


@dataclass(frozen=True)
class Comparison:
    """The whole of it; `notes` say how it was done and what it cannot tell, `gates` what must hold in any case."""

    base: Side
    other: Side
    method: Method
    verdict: Verdict
    reason: str
    interleaved: bool = False
    groups: tuple[Group, ...] = ()
    patterns: tuple[PatternChange, ...] = ()
    gates: tuple[Gate, ...] = ()
    notes: tuple[str, ...] = ()
