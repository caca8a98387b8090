"""The tables as checks and finders ask for them: stages that inject, the baseline, causes of failures, tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chaos_analysis import causes, neighbours, outcomes, slo
from chaos_analysis.comparison import Comparison, comparisons
from chaos_analysis.judge import judge
from chaos_analysis.outcomes.later import Later, later
from chaos_analysis.outcomes.places import name_calls
from chaos_analysis.outcomes.sites import SiteOutcomes, of_sites
from chaos_analysis.several import Modelled, modelled
from chaos_analysis.stats import adjusted, fisher
from chaos_analysis.tables.windows import of_windows as faults_of_windows
from chaos_middleware.errors import ExperimentError
from chaos_middleware.experiment import FAULT_FREE_STAGES, Experiment, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.model import SloResult, Tables
    from chaos_analysis.slo import Slo

SIGNIFICANT = 0.05
# For two stages against each other: no draw decided which request is in which. A route that by itself fails one request
# in four fails "more often" in chaos (n 108) than in the baseline (n 40) in 3.1 % of runs at 0.05, in 0.05 % at this.
# Where none of the 40 failed, 21 of the 108 must.
BETWEEN_STAGES = 0.001
_FEW = 3  # failures in a window; where nothing fails else, one is significant already
_COLUMNS = (
    *("key", "stage", "endpoint", "started", "response_ms", "status", "error"),
    *("ok", "rules", "rule", "control", "after"),
)
_TEST_COLUMNS = ("kind", "endpoint", "rule", "hits", "n", "control_hits", "control_n", "p")


@dataclass(frozen=True)
class Evidence:
    """What a run left, with what follows from it worked out once. `experiment` is None where it cannot be read."""

    tables: Tables
    experiment: Experiment | None
    run: dict[str, Any]

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The client's requests; only the columns that findings need, since every choice of rows copies them."""
        return self.tables.requests[list(_COLUMNS)]

    @cached_property
    def objectives(self) -> tuple[Slo, ...]:
        """As the run was given them, else as the experiment declares its steady state."""
        declared = self.experiment.steady_state if self.experiment else ()
        told: Any = self.run.get("slos", declared)
        return tuple(slo.parse(str(text)) for text in told) if isinstance(told, (list, tuple)) else ()

    @cached_property
    def judged(self) -> tuple[SloResult, ...]:
        """What was measured for each objective, in their order."""
        return judge(self.objectives, self.rows)

    @cached_property
    def idle_rules(self) -> tuple[str, ...]:
        """Rules that matched nothing the app did; none where its ledger is out of reach."""
        plans = self.tables.reached.drop_duplicates(["part", "plan"])["rules"]
        if self.experiment is None or plans.empty:
            return ()
        matched = {name for names in plans for name in names}
        return tuple(rule.name for rule in self.experiment.rules if rule.name not in matched)

    @cached_property
    def fault_stages(self) -> tuple[str, ...]:
        """The stages that met requests and in which some rule has a rate above 0."""
        met = dict.fromkeys(self.rows["stage"].dropna())
        if self.experiment is None:
            return tuple(stage for stage in met if stage not in FAULT_FREE_STAGES)
        rules = self.experiment.rules
        return tuple(stage for stage in met if any(rule.rate_in(stage) > 0 for rule in rules))

    @cached_property
    def chaos(self) -> pd.DataFrame:
        """Requests of the stages that inject."""
        return self.rows[self.rows["stage"].isin(self.fault_stages)]

    @cached_property
    def baseline(self) -> pd.DataFrame:
        """Requests before any fault; those that were still under way when a window opened are not."""
        return self.rows[(self.rows["stage"] == "baseline") & self.rows["control"]]

    @cached_property
    def recovery(self) -> pd.DataFrame:
        """Requests after the faults, without those that failed by what a fault left behind: it has its own finding."""
        return self.rows[(self.rows["stage"] == "recovery") & (self.rows["after"] == "")]

    @cached_property
    def control(self) -> pd.DataFrame:
        """Requests of the stages that inject which met no fault."""
        return self.chaos[self.chaos["control"]]

    @cached_property
    def neighbours(self) -> dict[str, neighbours.Taken]:
        """What others took of the machine, by stage."""
        return neighbours.of_stages(self)

    @cached_property
    def own_rates(self) -> dict[str, float]:
        """How often each endpoint fails by itself: in the baseline, or without a fault where there is no baseline."""
        own = self.baseline if len(self.baseline) else self.control
        return {str(name): 1 - float(ok) for name, ok in own.groupby("endpoint")["ok"].mean().items()}

    @cached_property
    def tests(self) -> pd.DataFrame:
        """All causal tests of the run, with `q` adjusted over all of them together.

        `fault`: requests with exactly one fault rule against those with none, same endpoint, same stages; `collateral`:
        failures without a fault, of all requests of the endpoint, against the baseline; `recovery`: requests after the
        faults against the baseline. A request that fails by itself before its first call meets no fault there, so such
        failures crowd among requests without a fault; of all requests they are no more than before.
        """
        baseline = _counts(self.baseline)
        control, everybody = _counts(self.control), _counts(self.chaos)
        singles = self.chaos[~self.chaos["control"] & (self.chaos["rule"] != "+")]
        rows = [
            ("fault", endpoint, rule, *hit, *control[endpoint])
            for (endpoint, rule), hit in _counts(singles, "rule").items()
            if endpoint in control
        ]
        rows += [
            ("collateral", name, "", failed, everybody[name][1], *baseline[name])
            for name, (failed, _) in control.items()
            if name in baseline
        ]
        recovery = _counts(self.recovery)
        rows += [("recovery", name, "", *hit, *baseline[name]) for name, hit in recovery.items() if name in baseline]
        table = pd.DataFrame([(*row, fisher(*row[3:])) for row in rows], columns=list(_TEST_COLUMNS))
        return table.assign(q=adjusted(table["p"].tolist()))

    def comparison(self, rule: str) -> Comparison:
        """What the causal test of a rule has to see by, where it sees most."""
        return self._comparisons.get(rule) or self._comparisons[""]

    @cached_property
    def _comparisons(self) -> dict[str, Comparison]:
        return comparisons(self)

    def met(self, keys: Iterable[str]) -> pd.DataFrame:
        """The client's requests with these keys."""
        places = self.places
        return self.rows.iloc[sorted({places[key] for key in keys if key in places})]

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each key's row stands in `rows` and in `tables.requests`; of a key with several, the last."""
        return {key: place for place, key in enumerate(self.rows["key"].tolist())}

    def q(self, kind: str, endpoint: str, rule: str = "") -> float | None:
        """The adjusted p-value of one test; None where it could not be made."""
        return self._q.get((kind, endpoint, rule))

    @cached_property
    def _q(self) -> dict[tuple[str, str, str], float]:
        table = self.tests
        names = zip(table["kind"], table["endpoint"], table["rule"], strict=True)
        return dict(zip(names, table["q"].tolist(), strict=True))

    def proven(self, endpoint: str, rule: str) -> str:
        """The tier by which this fault is shown to fail requests of an endpoint: `causal`, `model`, or ""."""
        q = self.q("fault", endpoint, rule)
        if q is not None and q < SIGNIFICANT:
            return "causal"
        return "model" if (endpoint, rule) in self._claimed else ""

    def _tier(self, endpoint: str, rule: str) -> str:
        """As `proven`; what befell everybody in a window of time is shown by all endpoints together."""
        return self.proven(endpoint, rule) or ("causal" if self.windows.get(rule, 1.0) < SIGNIFICANT else "")

    @cached_property
    def windows(self) -> dict[str, float]:
        """By the rule of faults that befall a window of time, of which three requests or more failed: the adjusted
        p-value for requests that met it, and nothing else, failing no more often than those without a fault.
        """
        control = self.control
        failed, n = int((~control["ok"]).sum()), len(control)
        rules = faults_of_windows(self.tables.faults)["rule"].unique()
        met = {str(rule): self.chaos.loc[self.chaos["rule"] == rule, "ok"] for rule in rules}
        hits = {rule: (int((~ok).sum()), len(ok)) for rule, ok in met.items() if n and (~ok).sum() >= _FEW}
        qs = adjusted([fisher(bad, of, failed, n) for bad, of in hits.values()])
        return dict(zip(hits, qs, strict=True))

    @cached_property
    def modelled(self) -> tuple[Modelled, ...]:
        """What a model says of the rules whose faults requests met several of at once."""
        return modelled(self)

    @cached_property
    def _claimed(self) -> frozenset[tuple[str, str]]:
        return frozenset((one.endpoint, one.rule) for one in self.modelled if one.claimed)

    @cached_property
    def call_rows(self) -> np.ndarray:
        """Where the client's row of each of `tables.calls` stands, -1 where there is none."""
        return np.fromiter(map(self.places.get, self.tables.calls["key"], repeat(-1)), dtype=np.int64)

    @cached_property
    def call_names(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """`dependency` and `call` (`outcomes.places`) of each row of `tables.faults`, and of each of `tables.calls`."""
        faults, calls = name_calls(self.tables.faults, self.tables.calls)
        return faults, calls

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """One row a fault event: what the app did with it. Columns: `outcomes.table`; words: `outcomes.OUTCOMES`."""
        return outcomes.table(self, self.proven)

    @cached_property
    def sites(self) -> tuple[SiteOutcomes, ...]:
        """What the app did with each fault at each call site."""
        return of_sites(self)

    @cached_property
    def later(self) -> tuple[Later, ...]:
        """Failures of requests without a fault, after faults of others at the same dependency."""
        return later(self)

    @cached_property
    def causes(self) -> pd.DataFrame:
        """One row a failed request with what it is put down to (see `causes.attribute`), by which `tier`, and whether
        that is `proven`.

        A cause is proven where the request itself shows it (`direct`) and the endpoint does not fail by itself most
        of the time; where requests with that fault alone fail significantly more often than those without (`causal`);
        or where it does among several faults at once (`model`).
        """
        table = causes.attribute(self.tables, self.proven)
        own = [self.own_rates.get(endpoint, 0.0) for endpoint in table["endpoint"]]
        told = zip(table["endpoint"].tolist(), table["rule"].tolist(), table["direct"].tolist(), own, strict=True)
        tiers = ["direct" if direct and rate < 0.5 else self._tier(*pair) for *pair, direct, rate in told]
        tier = pd.Series(tiers, index=table.index, dtype=object)
        return table.assign(tier=tier, proven=tier != "")


def read_experiment(value: dict[str, Any]) -> tuple[Experiment | None, str]:
    """The experiment in chaos-config.json, or None and why."""
    if not value:
        return None, "no experiment was found"
    try:
        return parse(value, "chaos-config.json"), ""
    except ExperimentError as error:
        return None, str(error)


def _counts(rows: pd.DataFrame, *by: str) -> dict[Any, tuple[int, int]]:
    """Failures and requests by endpoint (and more)."""
    keys = ["endpoint", *by]
    table = rows.groupby(keys if by else "endpoint")["ok"].agg(["size", "sum"])
    sizes, oks = table["size"].tolist(), table["sum"].tolist()
    return {key: (int(n - ok), int(n)) for key, n, ok in zip(table.index, sizes, oks, strict=True)}
