"""Calls that multiply while the other side is in trouble: repeated without a cap, or at two layers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.patterns import _lacks, _words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Pattern

_MANY = (
    4  # repetitions of one call; three and fewer are what cautious clients do (AWS and Google SRE: 3 attempts in all)
)


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site, where most requests that met a fault there called so often."""
    for events in _lacks.firsts(evidence, evidence.outcomes["seam"] != "wsgi"):
        hits = events.rows[events.rows["attempts"] >= _MANY]
        rate = _lacks.share(hits, events)
        if rate is not None:
            calls = 1 + hits["attempts"]
            usual, most = int(calls.median()), int(calls.max())
            of = f"{wording.count(len(hits))} of {wording.count(len(events.rows))} requests"
            yield _lacks.pattern(
                "retry_storm",
                events,
                hits,
                rate,
                title=f"{_words.begin(events.service)} in trouble is called {usual} times where once would do ({of})",
                summary=(
                    f"{events.site} repeats {events.target} when it fails, {usual} calls in the median and {most} at "
                    f"most in place of one, in {of} that met a fault there: what is in trouble gets {usual} times its "
                    "load, and cannot come back under it. Often two layers repeat, and their attempts multiply."
                ),
                severity="high",
                facts=(
                    ("calls of a request with a fault", f"{usual} in the median, {most} at most"),
                    ("failed all the same", wording.count(int((~hits["ok"].astype(bool)).sum()))),
                ),
            )
