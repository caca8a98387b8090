"""An error status, or a body that is none of what was asked for, taken for data: the app fails where it uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.patterns import _lacks, _words
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Pattern

_ANSWERS = ("garbage_body", "http_error", "truncated_body")
_OF_USE = (
    *("AttributeError", "IndexError", "JSONDecodeError", "KeyError", "TypeError", "UnicodeDecodeError", "ValueError"),
)


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site. Each hit shows it by itself."""
    table = evidence.outcomes
    for events in _lacks.by_site(evidence, table["fault"].isin(_ANSWERS) & (table["seam"] == "http_client")):
        hits = events.rows[misread(events.rows)]
        if len(hits) >= _lacks.LEAST:
            errors = _words.listed(hits["left_error"].value_counts().index)
            places = _words.listed(hits["frame"].dropna().value_counts().index)
            of = f"{wording.count(len(hits))} of {wording.count(len(events.rows))}"
            yield _lacks.pattern(
                "unchecked_body",
                events,
                hits,
                proportion(len(hits), len(events.rows)),
                title=f"What {events.service} answers is used unchecked: bad answers end in {errors} ({of})",
                summary=(
                    f"The call at {events.site} went well for its library, and {events.target} had answered with "
                    f"{_words.listed(_told(hits))}. Nobody looked: {errors} left the app from {places}, and the caller "
                    "got a 500 that blames the app."
                ),
                severity="medium",
                facts=(("exception that left the app", errors), ("came from", places)),
            )


def misread(events: pd.DataFrame) -> pd.Series[bool]:
    """Events whose request failed at using an answer that its library had taken: no error of the call, nor one that a
    client library makes of a status or of a body cut short, but one of Python's own.
    """
    taken = (events["outcome"] == "propagated") & (events["status"] == 500) & events["call_error"].isna()
    return taken & events["fault"].isin(_ANSWERS) & events["left_error"].isin(_OF_USE)


def _told(hits: pd.DataFrame) -> Iterator[str]:
    words = {"garbage_body": "a body of another kind", "truncated_body": "half a body"}
    for fault, rows in hits.groupby("fault"):
        statuses = sorted({f"{status:.0f}" for status in rows["call_status"].dropna()})
        yield words.get(str(fault), f"status {_words.listed(statuses)}")
