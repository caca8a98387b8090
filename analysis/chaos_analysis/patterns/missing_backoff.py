"""Repetitions that follow one another at once."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.patterns import _lacks, _words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Pattern

_AT_ONCE = 0.01  # seconds; below any pause worth the name, and far above what a loop without one takes
_QUICK = ("connection_refused", "connection_reset", "http_error")  # after a timeout, time has passed already


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site. The first repetition may come at once (urllib3's does), later ones may not."""
    table = evidence.outcomes
    chosen = (table["seam"] != "wsgi") & table["fault"].isin(_QUICK) & (table["attempts"] >= 2)
    for events in _lacks.firsts(evidence, chosen):
        pauses = events.rows["waits"].map(lambda waits: median(waits[1:]))
        hits = events.rows[pauses < _AT_ONCE]
        rate = _lacks.share(hits, events)
        if rate is not None:
            repeats = int(hits["attempts"].sum())
            pause = wording.seconds(float(pauses[hits.index].median()))
            of = f"{wording.count(len(hits))} of {wording.count(len(events.rows))} requests"
            yield _lacks.pattern(
                "missing_backoff",
                events,
                hits,
                rate,
                title=f"{_words.begin(events.service)} is asked again without a pause:"
                f" {wording.count(repeats)} repetitions,"
                f" {pause} apart ({of})",
                summary=(
                    f"{events.site} repeats {events.target} {pause} after it failed, again and again, in {of} that "
                    "repeated it twice or more: what passes in a moment has no moment to pass, and all callers come at "
                    "once."
                ),
                severity="medium",
                facts=(("between two repetitions", pause), ("repetitions", wording.count(repeats))),
            )
