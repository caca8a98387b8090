"""An `Analysis` made up in memory for the pictures and pages, without reading a run folder.

The planner under chaos: 2 % of GET /api/bookings fail whatever happens, and every rule is as lethal as `LETHAL` says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from chaos_analysis.effect.stored import Stored
from chaos_analysis.effect.values import Effect, Gate, Measured
from chaos_analysis.model import (
    Analysis,
    Check,
    EndpointStats,
    Estimate,
    Pattern,
    Proposal,
    Site,
    SloResult,
    Tables,
)
from chaos_analysis.stats import proportion
from chaos_analysis.stats.paired import difference, mcnemar

ENDPOINTS = ("GET /api/destinations", "GET /api/destinations/[slug]", "POST /api/bookings", "GET /api/bookings")
LETHAL = {"edge-latency": 0.0, "edge-exception": 1.0, "fares-slow": 0.9, "fares-down": 1.0, "payments-503": 1.0}
STAGES = (("baseline", 0.2), ("chaos", 0.7), ("recovery", 0.1))
RATE = 60.0
FARES = Site("orbital_travel_planner/suppliers.py", 31, "Suppliers.fares")

DIFF = """\
--- a/examples/planner/orbital_travel_planner/suppliers.py
+++ b/examples/planner/orbital_travel_planner/suppliers.py
@@ -28,7 +28,8 @@ class Suppliers:
     def fares(self, destinations: list[str]) -> dict[str, Fare]:
         answer = self.session.get(
             f"{self.url}/fares",
-            params={"destinations": ",".join(destinations)},
+            params={"destinations": ",".join(destinations)},
+            timeout=(0.5, 0.25),
         )
         return {fare["slug"]: Fare(**fare) for fare in answer.json()["fares"]}
"""


def requests(
    n: int = 2000, endpoints: tuple[str, ...] = ENDPOINTS, *, lethal: bool = True, seed: int = 1
) -> pd.DataFrame:
    """`n` request rows as `Tables.requests` has them (the columns that pictures and pages use)."""
    random = np.random.default_rng(seed)
    second = np.sort(random.uniform(0, n / RATE, n))
    limits = np.cumsum([share for _, share in STAGES]) * n / RATE
    stage = np.array([name for name, _ in STAGES])[np.searchsorted(limits, second).clip(max=2)]
    endpoint = random.choice(np.array(endpoints), n)
    rules = np.array(list(LETHAL))
    met = (random.random((n, len(rules))) < 0.06) & (stage == "chaos")[:, None]
    number = met.sum(axis=1)
    rule = np.where(number == 0, "", np.where(number > 1, "+", rules[met.argmax(axis=1)]))
    deadly = (met * np.array(list(LETHAL.values()))).max(axis=1) if lethal else np.zeros(n)
    failed = (random.random(n) < deadly) | ((endpoint == "GET /api/bookings") & (random.random(n) < 0.02) & lethal)
    slow = np.where(met[:, 0], random.uniform(100, 2000, n), 0) + np.where(met[:, 2], 3000, 0)
    return pd.DataFrame(
        {
            "key": [f"{i % 20}.{i // 20}.0" for i in range(n)],
            "stage": stage,
            "started": 1.7e9 + second,
            "second": second,
            "response_ms": random.lognormal(3, 0.4, n) + slow,
            "endpoint": endpoint,
            "ok": ~failed,
            "rule": rule,
            "rules": [tuple(rules[row]) for row in met],
            "control": number == 0,
        }
    )


def tables(rows: pd.DataFrame | None = None, history: pd.DataFrame | None = None) -> Tables:
    """`Tables` around `rows`, with the ledger's frames to match."""
    rows = requests(0) if rows is None else rows
    fired = [rule for met in rows["rules"] for rule in met]
    ends = np.cumsum([0.0, *(share for _, share in STAGES)]) * len(rows) / RATE + 1.7e9
    stages = {"name": [name for name, _ in STAGES], "started": ends[:-1], "ended": ends[1:]}
    empty = pd.DataFrame()
    return Tables(
        requests=rows,
        faults=pd.DataFrame({"rule": pd.Series(fired, dtype=object)}),
        calls=empty,
        answers=empty,
        reached=pd.DataFrame({"rules": [("edge-latency", "edge-exception")] * len(rows) + [("fares-slow",)] * 20}),
        suppressed=pd.DataFrame({"rule": pd.Series(dtype=object)}),
        history=empty if history is None else history,
        load=empty,
        stages=pd.DataFrame(stages if len(rows) else {name: [] for name in stages}),
    )


def share(failed: int, n: int) -> Estimate:
    """A probability with a plausible interval."""
    return Estimate(failed / n, max(failed / n - 0.03, 0), min(failed / n + 0.03, 1), n, "probability")


def ms(value: float | None, need: int | None = None, n: int = 400) -> Estimate:
    """A latency, or the number it needs."""
    low, high = (None, None) if value is None else (value * 0.9, value * 1.15)
    return Estimate(value, low, high, n, "ms", need)


def endpoints(names: tuple[str, ...] = ENDPOINTS) -> tuple[EndpointStats, ...]:
    """Three stages and all of them for each name."""
    made = []
    for i, name in enumerate(names):
        for stage, failed in (("all", 60), ("baseline", 0), ("chaos", 58), ("recovery", 2)):
            p99 = ms(2345.6 + i) if stage == "all" else ms(None, 368)
            made.append(EndpointStats(name, stage, 500, failed, share(500 - failed, 500), ms(21.234), ms(412.1), p99))
    return tuple(made)


TIMEOUT = Pattern(
    id="missing_timeout:fares-slow:orbital_travel_planner/suppliers.py:31",
    finder="missing_timeout",
    title="Fares call has no timeout: a 3 s delay passed whole to GET /api/destinations (48 of 48)",
    summary="Every injected delay of 3 s at this call was seen whole by the client. The call sets no timeout.",
    evidence="direct",
    severity="critical",
    endpoint="GET /api/destinations",
    failures=48,
    rate=share(43, 48),
    baseline=share(1, 812),
    p_value=1.2e-30,
    rules=("fares-slow",),
    faults=("latency",),
    seam="http_client",
    target="GET 127.0.0.1/fares?destinations=europa,moon",
    site=FARES,
    facts=(
        ("delay", "3 s on each"),
        ("caller's timeout", "none"),
        ("endpoints", "GET /api/destinations, GET /api/destinations/[slug]"),
    ),
    keys=("3.17.0", "0.4.1"),
)
RESET = replace(
    TIMEOUT,
    id="dependency_error:fares-down",
    finder="dependency_error",
    title="A reset of the fares call becomes a 500 at GET /api/destinations (31 of 31)",
    summary="`requests.exceptions.ConnectionError` left the app unhandled.",
    evidence="causal",
    severity="high",
    failures=31,
    rate=share(31, 31),
    rules=("fares-down",),
    faults=("connection_reset",),
)
OWN_BUG = Pattern(
    id="collateral:GET /api/bookings",
    finder="collateral",
    title="GET /api/bookings fails without any fault (2.1 %), before chaos as well",
    summary="The baseline fails alike: this is the app's own.",
    evidence="observed",
    severity="medium",
    endpoint="GET /api/bookings",
    failures=9,
    rate=share(9, 430),
)
PROPOSAL = Proposal(
    number=1,
    fix="http_timeout",
    title="Give the fares call a timeout",
    patterns=(TIMEOUT.id,),
    file="orbital_travel_planner/suppliers.py",
    line=31,
    function="Suppliers.fares",
    what="Add timeout=(0.5, 0.25) to the call.",
    why="The slowest 99 % of 412 fault-free calls answered within 0.12 s (upper bound); twice that, rounded up.",
    reference="https://requests.readthedocs.io/en/latest/user/advanced/#timeouts",
    caution="A call that is slower than this on a busy day fails instead of waiting.",
    diff=DIFF,
    automatic=True,
    failures=48,
    patch="fixes/01-http_timeout.patch",
)
IN_WORDS = replace(
    PROPOSAL,
    number=2,
    fix="error_mapping",
    title="Answer 503 with Retry-After when the fares service is down",
    patterns=(RESET.id,),
    diff="",
    patch=None,
    automatic=False,
    why_no_diff="need n = 72 fault-free calls at this site, have 31",
)
GATES = tuple(Gate(name, True, "it does") for name in ("applies", "compiles"))
NO_RATIO = Estimate(None, None, None, 0, "ratio", need=5)


def measured(
    rescued: int, broken: int, *, pairs: int = 1000, condition: str = "as declared", **changes: Any
) -> Measured:
    """Pairs of which 300 failed without the change; times are as they were, unless `changes` say otherwise."""
    made = Measured(
        condition=condition,
        pairs=pairs,
        faulted=400,
        rescued=rescued,
        broken=broken,
        p_value=mcnemar(rescued, broken),
        before=proportion(300, pairs),
        after=proportion(300 - rescued + broken, pairs),
        difference=difference(rescued, broken, pairs),
        useful=Estimate(1.0, 0.98, 1.02, 6, "ratio"),
        useful_p=0.9,
        latency=NO_RATIO,
        latency_p=None,
        calls=Estimate(1.0, None, None, 900, "ratio"),
        repeats=(0, 0),
        alone=(0, 0),
        steady=0.001,
        gates=(Gate("honest answers", True, "none is wrong"), Gate("invariants", None, "the load states none")),
    )
    return replace(made, **changes)


def with_effects(*effects: Effect | None, **changes: Any) -> Analysis:
    """The planner with a patch for each of `effects`, the first for `TIMEOUT`, the second for `RESET`."""
    patterns = (TIMEOUT.id, RESET.id, OWN_BUG.id)
    made = tuple(
        replace(PROPOSAL, number=at + 1, title=f"{PROPOSAL.title} {at + 1}", patterns=patterns[at : at + 1], effect=one)
        for at, one in enumerate(effects)
    )
    known = {f"{one.number:016x}": one.effect for one in made if one.effect}
    return analysis(**{"proposals": made, "measured": Stored(known), **changes})


RUN: dict[str, Any] = {
    "version": 1,
    "id": "20260712T031500-a1b2",
    "created": 1.7e9,
    "finished": 1.7e9 + 42.3,
    "command": ["chaos-test", "run", "--requests", "2000", "--slo", "error_rate<1%"],
    "seed": 42,
    "versions": {"chaos_test": "0.1.0", "python": "3.11.9", "locust": "2.47.0"},
    "app": {
        "target": "orbital_travel_planner:create_app()",
        "dir": "examples/orbital_travel_planner",
        "workers": 2,
        "server": "gunicorn 23 (gevent)",
        "git_revision": "0123456789abcdef0123456789abcdef01234567",
        "git_dirty": True,
    },
    "load": {"users": 20, "requests": 2000, "run_time": None, "processes": 1},
    "ended_by": "requests",
    "reason": "All 2,000 planned requests are in.",
    "host": {"cores": 2, "platform": "Linux-6.1"},
}
EXPERIMENT: dict[str, Any] = {
    "version": 1,
    "name": "planner",
    "seed": 42,
    "stages": [{"name": name, "share": part} for name, part in STAGES],
    "rules": [
        {
            "name": "edge-latency",
            "seam": "wsgi",
            "rate": 0.1,
            "match": {"route": ["/api/*"]},
            "fault": {"type": "latency", "distribution": "uniform", "low": 0.1, "high": 2.0},
        },
        {
            "name": "edge-exception",
            "seam": "wsgi",
            "rate": {"chaos": 0.1},
            "match": {"not_route": ["/healthz"]},
            "fault": {"type": "exception", "class": "RuntimeError"},
        },
        *(
            {
                "name": name,
                "seam": "http_client",
                "rate": 0.08,
                "phase": "after",
                "persistence": "request",
                "match": {"path": ["/fares*"], "header": {"X-Tier": "gold*"}},
                "fault": {"type": "connection_reset"},
            }
            for name in ("fares-slow", "fares-down", "payments-503")
        ),
    ],
}
CHECKS = (
    Check("dose", True, "All 663 faults that were due fired, and no other."),
    Check("records", True, "2,000 requests counted by the app, 2,000 recorded, 2,000 in Locust's totals."),
    Check("load generator", None, "No sample of the CPU was taken.", fatal=False),
)
SLOS = (
    SloResult("error_rate<1%", "baseline", None, share(2, 400), True, "0.5 % of 400 failed."),
    SloResult("p95<500ms", "recovery", "GET /api/bookings", ms(812.3), False, "812 ms is above 500 ms."),
    SloResult("p99<2s", "recovery", None, ms(None, 368, 200), None, "200 of 368 requests."),
)


def analysis(rows: pd.DataFrame | None = None, **changes: Any) -> Analysis:
    """A broken run of the planner; `changes` replace fields."""
    rows = requests() if rows is None else rows
    failed = rows[~rows["ok"]]
    made = Analysis(
        source="run",
        run=RUN,
        experiment=EXPERIMENT,
        tables=tables(rows),
        endpoints=endpoints(),
        patterns=(TIMEOUT, RESET, OWN_BUG),
        proposals=(PROPOSAL, IN_WORDS),
        checks=CHECKS,
        slos=SLOS,
        verdict="broken",
        headline="p95 of GET /api/bookings did not recover: 812 ms, 500 ms allowed.",
        exit_code=1,
        causes=failed.assign(proven=~failed["rule"].isin(["", "+"])),
    )
    return replace(made, **changes)


def csv_analysis() -> Analysis:
    """What somebody's plain Locust statistics allow."""
    time = np.arange(1.7e9, 1.7e9 + 60)
    history = pd.DataFrame(
        {
            "Timestamp": time,
            "User Count": 20.0,
            "50%": 21.0,
            "95%": np.linspace(100, 400, 60),
            "Total Request Count": np.arange(60) * 50.0,
            "Total Failure Count": np.arange(60) * 3.0,
        }
    )
    rows = tuple(row for row in endpoints() if row.stage == "all")
    return analysis(
        source="locust-csv",
        run={},
        experiment={},
        tables=tables(history=history),
        endpoints=rows,
        proposals=(IN_WORDS,),
        checks=(),
        slos=(),
        verdict="no SLO",
        headline="12 % of 2,000 requests failed.",
        causes=pd.DataFrame(),
        unknowable=("Which fault met which request.", "Percentiles finer than Locust's buckets."),
    )
