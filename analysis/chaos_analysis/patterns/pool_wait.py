"""A pool that has no connection, which requests wait for as long as it takes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.patterns import _aftermath, _waits, _words

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Pattern

_TELLS = (429, 502, 503, 504)


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site where the app waits for a connection, and one for requests without a fault that found
    none and failed.
    """
    beside = evidence.met(_waits.in_a_held_pool(evidence))
    for waits in _waits.passed_whole(evidence, ["pool_exhaustion"]):
        found = _waits.pattern(
            evidence,
            "pool_wait",
            waits,
            title=f"{waits.names} waits {waits.wait} for a free connection ({waits.of}): the pool gives nobody up",
            summary=(
                f"{waits.events.site} asks a pool for a connection that had none for {waits.wait}, and {waits.of} "
                "requests waited for all of that: nothing ends the wait before (SQLAlchemy's pool_timeout is 30 s "
                "where nothing is said), and whoever waits keeps a worker busy."
            ),
        )
        others = int((beside["ok"] & beside["endpoint"].isin(waits.hits["endpoint"].unique())).sum())
        told = (("waited beside them without a fault", wording.plural(others, "request")),) if others else ()
        yield replace(found, slow=found.slow + others, facts=(*found.facts, *told))
    failed = _aftermath.failures(evidence, "exhausted")
    if len(failed) >= _aftermath.LEAST:
        yield _refused(evidence, failed)


def _refused(evidence: Evidence, failed: pd.DataFrame) -> Pattern:
    lines = _aftermath.failing_lines(evidence, failed)
    n, names = wording.plural(len(failed), "request"), _words.listed(failed["endpoint"].value_counts().index)
    answers = _words.listed(str(status) if status else "no answer" for status in failed["status"].unique())
    told = bool(failed["status"].isin(_TELLS).all() and failed["error"].isna().all())
    return replace(
        _aftermath.pattern(
            evidence,
            "pool_wait",
            failed,
            _words.site(*lines.index[0]) if len(lines) else None,
            title=f"{n} of {names} found no free connection while others' faults held them all, and got {answers}",
            summary=(
                f"While a fault held every connection of the pool, {n} of {names} without a fault of their own waited "
                "for one until the pool gave them up."
                + (" The app says so itself, as it should where it can do no better." if told else "")
            ),
            severity="low" if told else "high",
        ),
        id="pool_wait:refused",
    )
