"""A transient fault at a call that may be made again, and was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.patterns import _lacks, _words
from chaos_analysis.patterns.unchecked_body import misread

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Pattern

_TRANSIENT = ("connect_timeout", "connection_refused", "connection_reset", "http_error", "truncated_body")
_IDEMPOTENT = ("GET ", "HEAD ", "OPTIONS ", "PUT ", "DELETE ")
_HARM = ("propagated", "lost")
_TELLS = (429, 502, 503, 504)


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site, of faults that a repetition would have drawn anew (`persistence: attempt`)."""
    table = evidence.outcomes
    chosen = (table["seam"] == "http_client") & table["fault"].isin(_TRANSIENT) & table["rule"].isin(_anew(evidence))
    chosen &= table["target"].str.startswith(_IDEMPOTENT, na=False) & ~_taken(table)
    for events in _lacks.by_site(evidence, chosen):
        hits = events.rows[events.rows["outcome"].isin(_HARM) & (events.rows["attempts"] == 0)]
        rate = _lacks.share(hits, events)
        if rate is not None:
            of = f"{wording.count(len(hits))} of {wording.count(len(events.rows))}"
            names = _words.listed(hits["endpoint"].value_counts().index)
            yield _lacks.pattern(
                "no_retry",
                events,
                hits,
                rate,
                title=f"{_words.begin(events.service)} is not asked again after a passing fault: each one fails the"
                f" request ({of})",
                summary=(
                    f"{events.site} makes {events.target} once. A fault that the next attempt need not have met "
                    f"({_words.listed(sorted(hits['fault'].unique()))}) failed {of} requests of {names}; the call may "
                    "be repeated, since its method is idempotent."
                ),
                severity="low" if _told(hits) else _words.severity(rate),
                facts=(("attempts", "1 in each of them"),),
            )


def _taken(table: pd.DataFrame) -> pd.Series[bool]:
    """Bodies cut short that no library complained of, or of which the client had a part already when one did."""
    return (table["fault"] == "truncated_body") & (misread(table) | (table["outcome"] == "lost"))


def _anew(evidence: Evidence) -> tuple[str, ...]:
    rules = evidence.experiment.rules if evidence.experiment else ()
    return tuple(rule.name for rule in rules if rule.persistence == "attempt")


def _told(hits: pd.DataFrame) -> bool:
    """Whether the app said of each that it cannot now, so that its own caller can ask again."""
    return bool(hits["status"].isin(_TELLS).all() and hits["left_error"].isna().all())
