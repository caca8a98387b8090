"""An endpoint that fails more often under chaos, and how much of that the other findings explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.evidence import BETWEEN_STAGES
from chaos_analysis.model import Pattern
from chaos_analysis.patterns import _words
from chaos_analysis.stats import adjusted, fisher, proportion

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern an endpoint with a significant rise; it counts only the failures that have no proven cause."""
    baseline = {str(name): rows for name, rows in evidence.baseline.groupby("endpoint")}
    pairs = [
        (str(name), rows, baseline[str(name)])
        for name, rows in evidence.chaos.groupby("endpoint", sort=True)
        if str(name) in baseline
    ]
    p_values = [fisher(_failed(rows), len(rows), _failed(before), len(before)) for _, rows, before in pairs]
    for (endpoint, rows, before), q in zip(pairs, adjusted(p_values), strict=True):
        if q < BETWEEN_STAGES:
            yield _pattern(endpoint, rows, before, q, evidence)


def _failed(rows: pd.DataFrame) -> int:
    return int((~rows["ok"]).sum())


def _pattern(endpoint: str, rows: pd.DataFrame, before: pd.DataFrame, q: float, evidence: Evidence) -> Pattern:
    causes = evidence.causes
    here = causes[(causes["endpoint"] == endpoint) & causes["stage"].isin(evidence.fault_stages)]
    open_ones = here[~here["proven"] & ~here["control"]]
    explained = here.loc[here["proven"], "rule"].value_counts()
    rate, baseline = proportion(len(here), len(rows)), proportion(_failed(before), len(before))
    alone = int((here["control"] & ~here["proven"]).sum())
    facts = [(f"failed by {rule}", wording.count(n)) for rule, n in explained.items()]
    facts += [("failed without a fault", wording.count(alone))] if alone else []
    facts += (
        [(("failed with faults that are not proven to be why"), wording.count(len(open_ones)))]
        if len(open_ones)
        else []
    )
    return Pattern(
        id=f"error_rate:{endpoint}",
        finder="error_rate",
        title=f"{endpoint} fails {wording.percent(rate.value or 0.0)} of its requests under chaos,"
        f" {wording.percent(baseline.value or 0.0)} before",
        summary=f"{wording.estimate(rate)} of {wording.plural(len(rows), 'request')} failed while faults were on, "
        f"{wording.estimate(baseline)} of {wording.count(len(before))} in the baseline; "
        f"{wording.count(int(explained.sum()))} of the {wording.plural(len(here), 'failure')} have a proven cause.",
        evidence="observed",
        severity="medium" if len(open_ones) else "low",
        endpoint=endpoint,
        failures=len(open_ones),
        rate=rate,
        baseline=baseline,
        p_value=q,
        rules=tuple(sorted(map(str, explained.index))),
        faults=tuple(sorted(here.loc[here["proven"], "fault"].unique())),
        facts=tuple(facts),
        keys=_words.keys(open_ones["key"] if len(open_ones) else here["key"]),
    )
