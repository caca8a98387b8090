"""A part that the app does without elsewhere fails a whole page here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.patterns import _lacks, _words

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Pattern

_READS = ("GET ", "HEAD ")
_SURVIVED = ("degraded", "handled")
_TELLS = (429, 502, 503, 504)
_BAD_ANSWERS = ("garbage_body", "http_error", "truncated_body")


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site. Whether a part is optional is for people to say. What speaks for it: another call site
    answers without it, the page has other sources, and the app does not say that it cannot.
    """
    table = evidence.outcomes
    failed = table["call_error"].notna() | table["fault"].isin(_BAD_ANSWERS)
    sites = list(_lacks.by_site(evidence, failed & (table["seam"] != "wsgi") & (table["attempts"] == 0)))
    without = [events for events in sites if _does_without(events)]
    for events in sites:
        rows = events.rows
        hits = rows[(rows["outcome"] == "propagated") & rows["endpoint"].str.startswith(_READS)]
        hits = hits[~hits["status"].isin(_TELLS) & hits["endpoint"].isin(_composed(evidence, events))]
        rate = _lacks.share(hits, events)
        others = [other for other in without if set(other.rows["dependency"]) & set(hits["dependency"])]
        if rate is not None and others:
            of = f"{wording.count(len(hits))} of {wording.count(len(rows))}"
            names = _words.listed(hits["endpoint"].value_counts().index)
            places = _words.listed(str(other.site) for other in others)
            able = _words.listed(dict.fromkeys(name for other in others for name in other.rows["endpoint"]))
            yield _lacks.pattern(
                "no_fallback",
                events,
                hits,
                rate,
                title=f"{names} fails whole without {events.service}, which {able} can do without ({of})",
                summary=(
                    f"A failure of {events.target} at {events.site} failed {of} requests of {names}, although the "
                    f"page has other sources. At {places} the same trouble is survived: {able} answers without it. "
                    "If it is as optional here, the page can be shown without this part."
                ),
                severity="medium",
                tier="observed",
                facts=(("does without it", f"{able} ({places})"),),
            )


def _does_without(events: _lacks.Events) -> bool:
    return _lacks.share(events.rows[events.rows["outcome"].isin(_SURVIVED)], events) is not None


def _composed(evidence: Evidence, events: _lacks.Events) -> set[str]:
    """The endpoints whose fault-free requests, where they make this call, mostly make one of another dependency too."""
    known = evidence.call_rows >= 0
    rows = evidence.rows.iloc[evidence.call_rows[known]]
    calls = evidence.tables.calls[known].assign(
        dependency=evidence.call_names[1].loc[known, "dependency"].to_numpy(),
        endpoint=rows["endpoint"].to_numpy(),
        control=rows["control"].to_numpy(),
    )
    calls = calls[calls["control"] & calls["endpoint"].isin(events.rows["endpoint"].unique())]
    mine = calls["dependency"].isin(events.rows["dependency"].unique())
    both = calls.assign(mine=mine, other=~mine).groupby(["endpoint", "key"])[["mine", "other"]].any()
    shares: pd.Series[float] = both[both["mine"]].groupby("endpoint")["other"].mean()
    return set(shares[shares > 0.5].index)
