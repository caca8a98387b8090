"""A transaction that the database turned away for others' sake, and that was not tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.patterns import _lacks, _words

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Estimate, Pattern

_AGAIN = {"serialization_failure": "serialization failure", "deadlock": "deadlock", "locked": "database is locked"}
_HARM = ("propagated", "lost")
_TELLS = (429, 502, 503, 504)


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site, of errors after which a database asks for the whole transaction again."""
    table = evidence.outcomes
    chosen = (table["seam"] == "database") & (table["fault"] == "statement_error")
    if not chosen.any():
        return
    kinds = _kinds(evidence)
    chosen &= table["rule"].isin(kinds) & ~_timed_out(table)
    for events in _lacks.by_site(evidence, chosen):
        hits = events.rows[events.rows["outcome"].isin(_HARM) & (events.rows["attempts"] == 0)]
        rate = _lacks.share(hits, events)
        if rate is not None:
            yield _pattern(events, hits, rate, _words.listed(sorted({kinds[rule] for rule in hits["rule"]})))


def _pattern(events: _lacks.Events, hits: pd.DataFrame, rate: Estimate, what: str) -> Pattern:
    of = f"{wording.count(len(hits))} of {wording.count(len(events.rows))}"
    names = _words.listed(hits["endpoint"].value_counts().index)
    called = _words.grouped(hits["dependency"]) or events.target
    told = bool(hits["status"].isin(_TELLS).all() and hits["left_error"].isna().all())
    return _lacks.pattern(
        "no_transaction_retry",
        events,
        hits,
        rate,
        title=f"A transaction is not tried again after a {what}: each one fails {names} ({of})",
        summary=(
            f"{called} at {events.site} met a {what}, by which a database says that the transaction is to be made "
            f"again; it was not, and {of} requests failed."
        ),
        severity="low" if told else _words.severity(rate),
        facts=(("transactions", "tried once in each of them"),),
    )


def _kinds(evidence: Evidence) -> dict[str, str]:
    """The rules with such an error that the next attempt need not meet, and how people call it."""
    rules = evidence.experiment.rules if evidence.experiment else ()
    told = {rule.name: str(getattr(rule.fault, "kind", "")) for rule in rules if rule.persistence == "attempt"}
    return {name: _AGAIN[kind] for name, kind in told.items() if kind in _AGAIN}


def _timed_out(table: pd.DataFrame) -> pd.Series[bool]:
    """PostgreSQL's 55P03: the app's own `lock_timeout`, which was waited out once already."""
    return table["call_error"] == "LockNotAvailable"
