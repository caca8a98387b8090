"""What finders of waits at a database share: injected waits that the app passed on whole to its own caller."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from chaos_analysis import wording
from chaos_analysis.patterns import _lacks, _words
from chaos_analysis.tables.keys import among

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Estimate, Pattern

_LONG = 0.5  # seconds; what is shorter nobody limits
_SHORT = 0.1  # seconds; a checkout of a pool that has a connection takes a thousandth of that
_WHOLE = 0.95  # clocks differ a little between the processes


class Waits(NamedTuple):
    """Those events of a call site that were waited out, or longer than the client did; `of`: how many of how many."""

    events: _lacks.Events
    hits: pd.DataFrame
    rate: Estimate
    wait: str
    of: str
    names: str
    hung: int


def passed_whole(evidence: Evidence, faults: Sequence[str], *, hung: Sequence[str] = ()) -> Iterator[Waits]:
    """Call site by call site, where most of the events passed on whole (`_lacks.share`).

    An event did where no error ended its call before the injected seconds were over, and the answer took as long; or
    where the client gave up first. Of the faults in `hung` only the latter counts.
    """
    table = evidence.outcomes
    chosen = (table["seam"] == "database") & table["fault"].isin([*faults, *hung]) & (table["asked"] >= _LONG)
    for events in _lacks.by_site(evidence, chosen):
        rows = events.rows
        whole = _WHOLE * rows["asked"]
        waited = rows["fault"].isin(faults) & (rows["injected"] >= whole) & (rows["response_ms"] / 1000 >= whole)
        waited &= rows["call_error"].isna()
        hits = rows[waited | (rows["outcome"] == "hung")]
        rate = _lacks.share(hits, events)
        if rate is not None:
            yield Waits(
                events,
                hits,
                rate,
                _span(hits["asked"]),
                f"{wording.count(len(hits))} of {wording.count(len(rows))}",
                _words.listed(hits["endpoint"].value_counts().index),
                int((hits["outcome"] == "hung").sum()),
            )


def in_a_held_pool(evidence: Evidence) -> set[str]:
    """The keys of requests without a fault that waited for a connection of a pool while a fault held it."""
    faults, calls = evidence.tables.faults, evidence.tables.calls
    held = faults[faults["fault"] == "pool_exhaustion"]
    if held.empty:
        return set()
    asked = calls["target"].astype(str).str.startswith("CHECKOUT ") & (calls["seconds"] >= _SHORT)
    began, ended = calls["started"] >= held["started"].min(), calls["started"] <= held["finished"].max()
    return set(calls.loc[asked & began & ended, "key"]) - set(held["key"])


def pattern(evidence: Evidence, finder: str, waits: Waits, *, title: str, summary: str) -> Pattern:
    """The finding: critical where requests hung until the client gave up. Its failures are those due to the wait."""
    hits, causes = waits.hits, evidence.causes
    due = causes["proven"] & (causes["cause"] == "delay") & among(causes["key"], set(hits["key"]))
    good = evidence.control[evidence.control["ok"] & evidence.control["endpoint"].isin(hits["endpoint"].unique())]
    usual = good["response_ms"].median() / 1000
    facts = [("injected wait", waits.wait), ("waited it out", waits.of)]
    facts += [("usual answer without a fault", wording.seconds(usual))] if len(good) else []
    facts += [("no answer before the client gave up", wording.count(waits.hung))] if waits.hung else []
    found = _lacks.pattern(
        finder,
        waits.events,
        hits,
        waits.rate,
        title=title,
        summary=summary,
        severity="critical" if waits.hung else "high",
        facts=tuple(facts),
    )
    return replace(found, failures=int(due.sum()), slow=int(hits["ok"].sum()))


def _span(seconds: pd.Series[float]) -> str:
    low, high = float(seconds.min()), float(seconds.max())
    return wording.seconds(high) if high < 1.05 * low else f"{wording.seconds(low)} to {wording.seconds(high)}"
