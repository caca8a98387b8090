"""What finders of something lacking share: the events of a call site that met nothing else, and their pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from chaos_analysis.model import Pattern
from chaos_analysis.outcomes.codes import kinds
from chaos_analysis.patterns import _words
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Estimate, Severity, Site
    from chaos_analysis.model import Evidence as Tier

LEAST = 5  # of five events that all end so, at least 57 % do (Wilson): a majority


class Events(NamedTuple):
    """The events of one call site, the only ones that their requests met."""

    site: Site
    target: str
    rows: pd.DataFrame

    @property
    def service(self) -> str:
        """What people call the other side."""
        return _words.other_side(self.target, str(self.rows["seam"].iloc[0]))


def by_site(evidence: Evidence, chosen: pd.Series[bool]) -> Iterator[Events]:
    """The chosen rows of `evidence.outcomes`, call site by call site; those without one are left out."""
    yield from _sites(evidence.outcomes[chosen & evidence.outcomes["alone"]])


def firsts(evidence: Evidence, chosen: pd.Series[bool]) -> Iterator[Events]:
    """Call site by call site, the first of the chosen events of each request that met others at most in its
    repetitions: at the same line of the same dependency. Its `attempts` and `waits` are those of the whole chain.
    """
    table = evidence.outcomes
    place = kinds([table["file"], table["line"], table["dependency"]])[0]
    single = pd.Series(place).groupby(table["key"].to_numpy()).transform("nunique").to_numpy() == 1
    rows = table[chosen & single].sort_values("started", kind="stable")
    yield from _sites(rows[~rows["key"].duplicated()])


def _sites(events: pd.DataFrame) -> Iterator[Events]:
    rows = events[events["row"] & events["file"].notna()]
    for place, found in rows.groupby(["file", "line", "function"], sort=True):
        site = _words.site(*place)
        assert site is not None
        yield Events(site, _words.grouped(found["target"]) or "", found)


def share(hits: pd.DataFrame, events: Events) -> Estimate | None:
    """How many of the events are hits, where it is most of them and enough to say so; else None."""
    estimate = proportion(len(hits), len(events.rows))
    return estimate if len(hits) >= LEAST and (estimate.low or 0.0) > 0.5 else None


def pattern(
    finder: str, events: Events, hits: pd.DataFrame, rate: Estimate, *,
    title: str, summary: str, severity: Severity, tier: Tier = "direct", facts: tuple[tuple[str, str], ...] = (),
) -> Pattern:  # fmt: skip
    """The finding of a lack at a call site. Its failures are those of the hits that failed."""
    endpoints = hits["endpoint"].value_counts()
    return Pattern(
        id=f"{finder}:{events.site.file}:{events.site.function}",
        finder=finder,
        title=title,
        summary=summary,
        evidence=tier,
        severity=severity,
        endpoint=str(endpoints.index[0]) if len(endpoints) == 1 else None,
        failures=int((~hits["ok"].astype(bool)).sum()),
        rate=rate,
        rules=tuple(sorted(hits["rule"].unique())),
        faults=tuple(sorted(hits["fault"].unique())),
        seam=str(hits["seam"].iloc[0]),
        target=events.target,
        site=events.site,
        facts=(("endpoints", _words.endpoints(endpoints)), *facts),
        keys=_words.keys(hits["key"]),
    )
