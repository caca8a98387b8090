"""Objectives such as `error_rate<1%`, `p95<500ms`, `p99<=2s of GET /api/bookings in chaos`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chaos_analysis.errors import SloError

_FORM = re.compile(
    r"\s*(?P<metric>error_rate|success_rate|p\d{1,2}(?:\.\d+)?)\s*(?P<sign><=?|>=?)\s*(?P<limit>\d+(?:\.\d+)?)\s*"
    r"(?P<unit>%|ms|s)(?:\s+of\s+(?P<endpoint>.+?))?(?:\s+in\s+(?P<stage>\S+))?\s*"
)
_ALLOWED = (
    "METRIC<LIMIT with error_rate or success_rate in %, or p50 to p99.99 in ms or s, "
    "then optionally 'of METHOD /path' and 'in STAGE', e.g. 'p95<500ms of GET /api/bookings in chaos'"
)


@dataclass(frozen=True)
class Slo:
    """One objective. `limit` is a probability or milliseconds; `quantile` None for a rate."""

    expression: str
    metric: str
    sign: str
    limit: float
    quantile: float | None
    endpoint: str | None
    stage: str | None


def parse(expression: str) -> Slo:
    """Read an objective; raises `SloError`, which says what is allowed."""
    match = _FORM.fullmatch(expression)
    if match is None:
        raise SloError(f"{expression!r}: not an objective; expected {_ALLOWED}")
    metric, unit = match["metric"], match["unit"]
    if metric.startswith("p") == (unit == "%"):
        wanted = "% for a rate, e.g. error_rate<1%" if unit != "%" else "ms or s for a latency, e.g. p95<500ms"
        raise SloError(f"{expression!r}: {metric} cannot be in {unit}; expected {wanted}")
    level = float(metric[1:]) / 100 if metric.startswith("p") else None
    if level is not None and not 0.01 <= level <= 0.9999:
        raise SloError(f"{expression!r}: {metric} is out of range; expected p1 to p99.99")
    limit = float(match["limit"]) * {"%": 0.01, "ms": 1.0, "s": 1000.0}[unit]
    return Slo(expression.strip(), metric, match["sign"], limit, level, match["endpoint"], match["stage"])
