"""Failures that faults of earlier requests explain (`tables.aftermath`), as finders of what was left behind ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Pattern
from chaos_analysis.patterns import _words
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    import pandas as pd

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Severity, Site

LEAST = 5


def failures(evidence: Evidence, kind: str) -> pd.DataFrame:
    """The rows of `evidence.causes` of this kind."""
    causes = evidence.causes
    return causes[(causes["cause"] == "earlier") & (causes["after"] == kind)]


def failing_lines(evidence: Evidence, failed: pd.DataFrame) -> pd.Series[int]:
    """Where the exceptions left the app from, or else the calls that failed, each with its number; the most first."""
    answers, calls = evidence.tables.answers, evidence.tables.calls
    keys, place = set(failed["key"]), ["file", "line", "function"]
    left = answers[answers["key"].isin(keys) & answers["error"].notna()]
    lines = left[place].value_counts()
    if lines.empty:
        met = calls[calls["key"].isin(keys) & calls["error"].notna() & (calls["seam"] == "database")]
        lines = met[place].value_counts()
    return lines


def asking_lines(evidence: Evidence, failed: pd.DataFrame) -> pd.Series[int]:
    """Where these requests asked the pool for their connections, each with its number; the most first."""
    calls = evidence.tables.calls
    asked = calls["key"].isin(set(failed["key"])) & calls["target"].astype(str).str.startswith("CHECKOUT ")
    return calls.loc[asked, ["file", "line", "function"]].value_counts()


def pattern(
    evidence: Evidence, finder: str, failed: pd.DataFrame, site: Site | None, *,
    title: str, summary: str, severity: Severity = "high", facts: tuple[tuple[str, str], ...] = (),
) -> Pattern:  # fmt: skip
    """The finding; its rate is of all requests of the endpoints since the first such failure."""
    endpoints = failed["endpoint"].value_counts()
    rows, before = evidence.rows, evidence.baseline
    since = rows[(rows["started"] >= failed["started"].min()) & rows["endpoint"].isin(endpoints.index)]
    before = before[before["endpoint"].isin(endpoints.index)]
    errors = failed["error"].dropna()
    told = [("endpoints", _words.endpoints(endpoints))]
    told += [("exception that left the app", _words.listed(errors.value_counts().index))] if len(errors) else []
    late = int((failed["stage"] == "recovery").sum())
    told += [("of these after the faults had ended", wording.count(late))] if late else []
    return Pattern(
        id=f"{finder}:{site.file}:{site.function}" if site else finder,
        finder=finder,
        title=title,
        summary=summary,
        evidence="direct",
        severity=severity,
        endpoint=str(endpoints.index[0]) if len(endpoints) == 1 else None,
        failures=len(failed),
        rate=proportion(len(failed), len(since)),
        baseline=proportion(int((~before["ok"]).sum()), len(before)),
        rules=tuple(sorted(failed["rule"].unique())),
        faults=tuple(sorted(failed["fault"].unique())),
        seam="database",
        target=_words.grouped(failed["target"]),
        site=site,
        facts=(*told, *facts),
        keys=_words.keys(failed["key"]),
    )
