"""A dependency's error that nobody in the app turns into an answer: it leaves the app as it came, a 500."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.patterns import _lacks, _words
from chaos_analysis.patterns.unchecked_body import misread
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Pattern


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site. Each hit shows it by itself: the exception that left the app came from this call.

    What comes of using a bad answer is no error of the call's, and `unchecked_body`'s.
    """
    table = evidence.outcomes
    failed = (table["outcome"] == "propagated") & (table["tier"] == "direct") & (table["seam"] != "wsgi")
    failed &= ~misread(table)
    for events in _lacks.by_site(evidence, failed):
        hits = events.rows[(events.rows["status"] == 500) & events.rows["left_error"].notna()]
        if len(hits) >= _lacks.LEAST:
            classes = hits["left_error"].value_counts().index
            errors, leave = _words.listed(classes), "leaves" if len(classes) == 1 else "leave"
            of = f"{wording.count(len(hits))} of {wording.count(len(events.rows))}"
            names = _words.listed(hits["endpoint"].value_counts().index)
            yield _lacks.pattern(
                "unmapped_error",
                events,
                hits,
                proportion(len(hits), len(events.rows)),
                title=f"Nothing turns errors of {events.service} into an answer: {errors} {leave} it as a 500 ({of})",
                summary=(
                    f"When {events.target} fails, {errors} {leave} the app from {events.site}: {names} answered 500, "
                    "which tells the caller that the app is broken and not that it may ask again."
                ),
                severity="medium",
                facts=(("exception that left the app", errors),),
            )
