"""`latency`: hold the caller up for a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp
from statistics import NormalDist
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader

MAX_SECONDS = 300.0
_STANDARD = NormalDist()


@dataclass(frozen=True)
class Latency(Fault):
    """A delay in seconds: `fixed` (`seconds`), `uniform` (`low`..`high`), `normal` (`mean`, `sd`), `lognormal`
    (`median`, `sigma`).

    Drawn values are cut at 0 and at `max_seconds`. `blocking` stalls the whole worker, as a lock or a frozen driver
    does, and not only the greenlet or thread that asked.
    """

    name = "latency"

    distribution: str
    first: float
    second: float
    max_seconds: float
    blocking: bool

    @classmethod
    def read(cls, settings: Reader) -> Latency:
        kind = settings.choice("distribution", ("fixed", "uniform", "normal", "lognormal"), "fixed")
        if kind == "fixed":
            first, second = settings.number("seconds", 0, MAX_SECONDS), 0.0
        elif kind == "uniform":
            first = settings.number("low", 0, MAX_SECONDS)
            second = settings.number("high", first, MAX_SECONDS)
        elif kind == "normal":
            first, second = settings.number("mean", 0, MAX_SECONDS), settings.number("sd", 0, MAX_SECONDS)
        else:
            first, second = settings.number("median", 0, MAX_SECONDS), settings.number("sigma", 0, 5)
        most = settings.number("max_seconds", 0, MAX_SECONDS, MAX_SECONDS)
        return cls(kind, first, second, most, settings.flag("blocking", default=False))

    def settle(self, u: Sequence[float]) -> Latency:
        return replace(self, distribution="fixed", first=min(max(self._drawn(u[0]), 0.0), self.max_seconds), second=0.0)

    def _drawn(self, u: float) -> float:
        if self.distribution == "uniform":
            return self.first + u * (self.second - self.first)
        if self.distribution == "fixed" or self.second == 0:
            return self.first
        z = _STANDARD.inv_cdf(min(max(u, 1e-12), 1 - 1e-12))
        return self.first + self.second * z if self.distribution == "normal" else self.first * exp(self.second * z)

    def asked(self) -> dict[str, Any]:
        return {"seconds": self.first, "blocking": self.blocking}

    def act(self, target: Target) -> None:
        target.delay(self.first, blocking=self.blocking)
