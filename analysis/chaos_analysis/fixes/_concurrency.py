"""How many calls, or requests, are under way at a time when all is well."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos_analysis.tables.keys import among
from chaos_analysis.wording import plural

if TYPE_CHECKING:
    import pandas as pd

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Site

_LEAST = 30  # requests without a fault, for a mean to be worth something
_DEVIATIONS = 3.0


@dataclass(frozen=True)
class Level:
    """A limit for one process, and where it is from, in a sentence."""

    limit: int
    told: str


def of_calls(evidence: Evidence, site: Site) -> Level | str:
    """A limit for the calls of a site; a text says why there is none."""
    quiet = _quiet(evidence)
    calls = evidence.calls_at(site)
    if quiet is None or "key" not in calls:
        return "the run noted no requests without a fault"
    noted = evidence.tables.calls
    mine = calls[among(calls["key"], set(quiet["key"]))]
    everyone = set(noted["key"]) & set(quiet["key"])
    users = quiet[quiet["endpoint"].isin(quiet[among(quiet["key"], set(mine["key"]))]["endpoint"].unique())]
    seen = users[among(users["key"], everyone)]
    if len(seen) < _LEAST:
        return f"need {_LEAST} fault-free requests with calls noted for a limit, have {len(seen)}"
    busy = float(mine["seconds"].sum()) / len(seen) * len(users)  # seconds in the call, of all requests
    return _level(evidence, busy, quiet, "calls")


def of_requests(evidence: Evidence) -> Level | str:
    """A limit for all requests of the app; a text says why there is none."""
    quiet = _quiet(evidence)
    if quiet is None or len(quiet) < _LEAST:
        return f"need {_LEAST} requests without a fault for a limit, have {0 if quiet is None else len(quiet)}"
    return _level(evidence, float(quiet["response_ms"].sum()) / 1000, quiet, "requests")


def _quiet(evidence: Evidence) -> pd.DataFrame | None:
    """The requests of the first stage, where it injects nothing."""
    requests = evidence.tables.requests
    if not len(requests) or not {"stage", "started", "response_ms", "control", "endpoint"} <= set(requests):
        return None
    first = requests[requests["stage"] == requests.sort_values("started")["stage"].iloc[0]]
    return first if len(first) and first["control"].all() else None


def _level(evidence: Evidence, busy: float, quiet: pd.DataFrame, what: str) -> Level:
    """Little's law, and three standard deviations of a Poisson count above it; two at least."""
    ended = quiet["started"] + quiet["response_ms"] / 1000
    processes = max(1, int((evidence.run.get("app") or {}).get("workers") or 1))
    usual = busy / max(float(ended.max() - quiet["started"].min()), 1e-9) / processes
    limit = max(2, math.ceil(usual + _DEVIATIONS * math.sqrt(usual)))
    return Level(
        limit,
        f"With no fault {usual:.2g} {what} were under way at a time in each of {processes} process(es) (Little's law "
        f"over {plural(len(quiet), 'request')}); {limit} leave room for {_DEVIATIONS:g} standard deviations more.",
    )
