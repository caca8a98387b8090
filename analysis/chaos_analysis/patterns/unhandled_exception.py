"""Faults injected at the edge that reached the client: said plainly, and ranked below what the app can mend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Pattern
from chaos_analysis.patterns import _words
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence

_WORDS = {
    "exception": (
        "exception",
        ("It was raised before the view ran: an error handler can word the answer, not prevent it."),
    ),
    "http_error": ("error answer", "It was given instead of the app's own answer, so the app had no say."),
    "connection_reset": ("connection reset", "It was done to the connection, so the app had no say."),
    "truncated_body": ("truncated body", "It was done to the app's answer on its way out, so the app had no say."),
    "large_body": ("large body", "An app that refuses it with 413 does what it should."),
}
_OTHER = ("fault", "It was injected at the edge, so the app had no say.")


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a rule."""
    failed = evidence.causes
    failed = failed[(failed["cause"] == "edge") & failed["proven"]]
    for rule, rows in failed.groupby("rule", sort=True):
        yield _pattern(str(rule), rows, evidence)


def _pattern(rule: str, failed: pd.DataFrame, evidence: Evidence) -> Pattern:
    met = evidence.met(_keys(rule, evidence))
    fault = str(failed["fault"].iloc[0])
    what, honest = _WORDS.get(fault, _OTHER)
    became = _words.listed(str(status) if status else "no answer" for status in failed["status"].value_counts().index)
    by_endpoint = failed["endpoint"].value_counts()
    alone = met[met["rule"] == rule]
    survived = int(met["ok"].sum())
    facts = [("endpoints", _words.endpoints(by_endpoint)), ("answers", became)]
    facts += [("answered all the same", wording.count(survived))] if survived else []
    return Pattern(
        id=f"unhandled_exception:{rule}",
        finder="unhandled_exception",
        title=f"Injected {what} ({rule}) reached the client as {became} ({len(failed)} of {len(met)})",
        summary=f"The {what} was injected at the edge of {wording.plural(len(met), 'request')}. {honest}",
        evidence="direct",
        severity="low",
        endpoint=str(by_endpoint.index[0]) if len(by_endpoint) == 1 else None,
        failures=len(failed),
        rate=proportion(int((~alone["ok"]).sum()), len(alone)),
        baseline=proportion(int((~evidence.control["ok"]).sum()), len(evidence.control)),
        rules=(rule,),
        faults=(fault,),
        seam="wsgi",
        facts=tuple(facts),
        keys=_words.keys(failed["key"]),
    )


def _keys(rule: str, evidence: Evidence) -> pd.Series[str]:
    faults = evidence.tables.faults
    return faults.loc[faults["rule"] == rule, "key"]
