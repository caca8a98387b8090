"""What a case says of itself. The module is imported by the services too: standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Rule = Mapping[str, Any]
STAGES = (
    {"name": "baseline", "share": 0.2},
    {"name": "chaos", "share": 0.7},
    {"name": "recovery", "share": 0.1},
)


@dataclass(frozen=True)
class Case:
    """One file in `cases/`: the services are its functions `defect…()`, `twin…()` and `decoy…()`, factories of apps.

    finder: whose case it is; the name of a file in `chaos_analysis/patterns/`. Empty for decoys.
    endpoints: what is called, all equally often: `METHOD /path`, `{n}` being drawn from 0 to 99 anew each time.
    rules: as `rules` of chaos-config.json, with a rate of 0.1 unless they say another. Their faults are in the stage
        `chaos`, 70 % of the requests, unless `stages` are given.
    where: the endpoint that a finding without a call site must name.
    lethal: the rules that do harm: findings that name another one blame the wrong fault. Empty: all of them do.
    also: further finders that are right about the defect, with the reason: what it leads to, or how else it shows.
    allowed: finders that are right about a twin or decoy too, with the reason.
    reach: the share of the requests in which each rule can fire once (a lower bound will do): see `chance`.
    least: events of each rule that a run must have had; with fewer, nothing was shown.
    stages: as `stages` of chaos-config.json; a rule's `rate` may name them.
    pause: least and most seconds that a user waits before each request.
    needs: of `sqlite`, `postgresql` (DATABASE_URL), `valkey` (CACHE_URL): real ones, empty at the start of a run.
    """

    finder: str
    endpoints: Sequence[str]
    rules: Sequence[Rule]
    where: str | None = None
    lethal: Sequence[str] = ()
    also: Mapping[str, str] = field(default_factory=dict)
    allowed: Mapping[str, str] = field(default_factory=dict)
    requests: int = 300
    users: int = 10
    workers: int = 1
    deadline: float = 10.0
    reach: float = 1.0
    least: int = 5
    needs: Sequence[str] = ()
    stages: Sequence[Mapping[str, Any]] = STAGES
    pause: tuple[float, float] = (0.005, 0.025)


def experiment(about: Case, seed: int) -> dict[str, Any]:
    """The case's chaos-config.json. All calls are noted: there are few."""
    rules = [{"rate": 0.1, **rule} for rule in about.rules]
    return {"version": 1, "seed": seed, "stages": list(about.stages), "calls": {"share": 1.0}, "rules": rules}


def http_rule(name: str, fault: Mapping[str, Any], **more: Any) -> Rule:
    """A rule for HTTP calls to the dependency: `http_rule("stock-slow", {"type": "latency", …}, rate=0.1)`."""
    return {"name": name, "seam": "http_client", "fault": dict(fault), **more}
