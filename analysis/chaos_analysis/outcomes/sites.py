"""What the app did with each fault at each call site: outcomes, calls made besides, time added."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chaos_analysis.model import Estimate, Site
from chaos_analysis.outcomes.codes import kinds
from chaos_analysis.outcomes.words import OUTCOMES
from chaos_analysis.stats import proportion, quantile
from chaos_analysis.tables.windows import SEAMS as WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.evidence import Evidence

_NUMBER = " #"
_INSTANT = 0.001  # seconds that any fault takes to be made
_Z = 1.959963984540054  # the normal distribution's 97.5 % point


@dataclass(frozen=True)
class Share:
    """How many events had an outcome, and which share of those whose outcome is known (`unknown`: of all)."""

    outcome: str
    events: int
    share: Estimate


@dataclass(frozen=True)
class SiteOutcomes:
    """One fault at one call site; at the edge `call` and `dependency` are "" and `site` is None.

    `call` is the name that survives edits (see `places`), `site` where it stood in this run. `outcomes` are those that
    occurred, in the order of `OUTCOMES`. `amplification`: calls that a request with the fault makes of this dependency
    in this function, per call that a fault-free one makes; None without noted fault-free calls. `injected` and `added`:
    the medians of the seconds injected into a request that met nothing else, and of those it took beyond the median
    without a fault; None where the fault injects no time, and where no such request is known.
    """

    call: str
    seam: str
    dependency: str
    site: Site | None
    fault: str
    rules: tuple[str, ...]
    endpoints: tuple[str, ...]
    events: int
    requests: int
    outcomes: tuple[Share, ...]
    amplification: Estimate | None
    injected: Estimate | None
    added: Estimate | None


def of_sites(evidence: Evidence) -> tuple[SiteOutcomes, ...]:
    """Every fault at every call site, calls first, in the order of their names."""
    events = evidence.outcomes[~evidence.outcomes["seam"].isin(WINDOWS)]
    events = events.assign(request=pd.factorize(events["key"])[0])
    sole = _sole(events)
    calls = _Calls(evidence)
    found = [
        _one(evidence, calls, rows, sole.reindex(rows.index)) for _, rows in events.groupby(["call", "seam", "fault"])
    ]
    return tuple(sorted(found, key=lambda one: (one.seam == "wsgi", one.call, one.fault)))


def _one(evidence: Evidence, calls: _Calls, rows: pd.DataFrame, sole: pd.Series[bool]) -> SiteOutcomes:
    first = rows.iloc[0]
    at_call = isinstance(first["file"], str)
    timed = (
        rows[sole & rows["row"]]
        .groupby("request", sort=False)
        .agg(injected=("injected", "sum"), added=("added", "first"))
        .dropna()
    )
    return SiteOutcomes(
        call=first["call"],
        seam=first["seam"],
        dependency=first["dependency"],
        site=Site(first["file"], int(first["line"]), str(first["function"])) if at_call else None,
        fault=first["fault"],
        rules=tuple(sorted(rows["rule"].unique())),
        endpoints=tuple(sorted(rows["endpoint"].dropna().unique())),
        events=len(rows),
        requests=rows["request"].nunique(),
        outcomes=shares(rows["outcome"]),
        amplification=calls.amplification(rows, _rate(evidence, rows["rule"].unique())) if first["call"] else None,
        injected=_median(timed["injected"]) if timed["injected"].median() > _INSTANT else None,
        added=_median(timed["added"]),
    )


def shares(outcomes: Iterable[str]) -> tuple[Share, ...]:
    """Counts of outcomes, with their shares among those that are known."""
    counts = Counter(outcomes)
    known = counts.total() - counts["unknown"]
    return tuple(
        Share(word, counts[word], proportion(counts[word], counts.total() if word == "unknown" else known))
        for word in OUTCOMES
        if counts[word]
    )


def _sole(events: pd.DataFrame) -> pd.Series[bool]:
    """Whether a request met no other fault, here or elsewhere, than this one here; it may have met that repeatedly."""
    codes, _ = kinds([events["call"], events["rule"]])
    spread = pd.Series(codes, index=events.index).groupby(events["request"].to_numpy(), sort=False)
    return spread.transform("min") == spread.transform("max")


def _median(values: pd.Series[float]) -> Estimate | None:
    """The median, also of too few values for an interval."""
    measured = quantile(np.sort(values.to_numpy(float)), 0.5, "s")
    return replace(measured, value=float(values.median())) if len(values) else None


def _rate(evidence: Evidence, rules: Iterable[str]) -> float:
    """The highest rate of these rules, 0 where it is not known."""
    known = {rule.name: rule for rule in evidence.experiment.rules} if evidence.experiment else {}
    stages = evidence.fault_stages
    return max((known[name].rate_in(stage) for name in rules if name in known for stage in stages), default=0.0)


class _Calls:
    """How many calls requests make of a dependency in a function, at whichever line: a repetition may have its own."""

    def __init__(self, evidence: Evidence) -> None:
        named = evidence.call_names[1]
        rows = evidence.tables.requests
        codes, known = pd.factorize(named["call"])
        stems = np.array([call.partition(_NUMBER)[0] for call in known], dtype=object)
        table = pd.DataFrame({"call": stems[codes], "place": evidence.call_rows})
        table = table[table["place"] >= 0].groupby(["call", "place"], sort=False).size().reset_index(name="n")
        table["endpoint"] = rows["endpoint"].to_numpy()[table["place"].to_numpy()]
        free = rows["control"].to_numpy(bool)[table["place"].to_numpy()]
        self._met = {name: group.set_index("place")["n"] for name, group in table[~free].groupby("call", sort=False)}
        self._free = dict(iter(table[free].groupby(["call", "endpoint"])["n"]))

    def amplification(self, events: pd.DataFrame, rate: float) -> Estimate | None:
        """The ratio of means, its interval by the delta method on its logarithm.

        A request of many calls meets a fault sooner: fault-free requests are weighed by their chance to meet one.
        """
        call = str(events["call"].iat[0]).partition(_NUMBER)[0]
        requests = events[["place", "endpoint"]].drop_duplicates("place")
        if call not in self._met:
            return None
        counts = self._met[call].reindex(requests["place"]).to_numpy(float)
        compared = {name for name in requests["endpoint"].unique() if (call, name) in self._free}
        known = ~np.isnan(counts) & requests["endpoint"].isin(compared).to_numpy()
        if not known.any():
            return None
        counts, endpoints = counts[known], requests["endpoint"].to_numpy()[known]
        expected = {name: _weighed(self._free[call, name].to_numpy(float), rate) for name in set(endpoints)}
        mean, usual = float(counts.mean()), float(np.mean([expected[name][0] for name in endpoints]))
        ratio, n = mean / usual, len(counts)
        if n < 2:
            return Estimate(ratio, None, None, n, "count", need=2)
        weights = {name: float(np.mean(endpoints == name)) for name in expected}
        spread = float(counts.var(ddof=1)) / n / mean**2
        spread += sum((weights[name] * error / usual) ** 2 for name, (_, error) in expected.items())
        reach = float(np.exp(_Z * np.sqrt(spread)))
        return Estimate(ratio, ratio / reach, ratio * reach, n, "count")


def _weighed(counts: np.ndarray, rate: float) -> tuple[float, float]:
    """Mean and standard error of counts, weighed by the chance that one of so many meets a fault of this rate."""
    weights = 1 - (1 - rate) ** counts if rate > 0 else counts
    mean = float(np.average(counts, weights=weights))
    error = np.sqrt((weights**2 * (counts - mean) ** 2).sum()) / weights.sum()
    return mean, float(error)
