"""A fault at an outbound call that came out of the app as an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Pattern
from chaos_analysis.patterns import _sites, _words

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence

_TELLS = (429, 502, 503, 504)  # the statuses by which a service says that it cannot now, and a caller may ask again


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site."""
    for group in _sites.groups(evidence, "dependency"):
        yield _pattern(group, evidence)


def _pattern(group: _sites.Group, evidence: Evidence) -> Pattern:
    failed = group.failed
    faults = tuple(sorted(failed["fault"].unique()))
    statuses = failed["status"].value_counts()
    became = _words.listed(str(status) if status else "no answer" for status in statuses.index)
    hits = f"{wording.count(len(failed))} of {wording.count(group.met)}"
    service = _words.other_side(group.target, str(failed["seam"].iloc[0]))
    by_endpoint = failed["endpoint"].value_counts()
    names, answer = _words.listed(by_endpoint.index), "answers" if len(by_endpoint) == 1 else "answer"
    errors, told = failed["error"].dropna(), _is_told(failed)
    facts = [*_sites.outcomes(group, evidence), ("endpoints", _words.endpoints(by_endpoint)), ("answers", became)]
    if len(errors):
        facts.append(("exception that left the app", _words.listed(errors.value_counts().index)))
    return Pattern(
        id=f"dependency_error:{group.name}",
        finder="dependency_error",
        title=f"{names} {answer} {became} when {service} has trouble ({hits})",
        summary=(
            f"When {group.target} has trouble ({_words.listed(faults)}), {names} {answer} {became}: "
            f"{hits} requests that met it failed by it. {_compared(group)}"
        )
        + (" The app says so itself, as it should where it can do no better." if told else ""),
        evidence=_sites.tier(failed),
        severity="low" if told else _words.severity(group.alone),
        endpoint=str(by_endpoint.index[0]) if len(by_endpoint) == 1 else None,
        failures=len(failed),
        rate=group.alone,
        baseline=group.control,
        p_value=group.q,
        rules=tuple(sorted(failed["rule"].unique())),
        faults=faults,
        seam=str(failed["seam"].iloc[0]),
        target=group.target,
        site=group.site,
        facts=tuple(facts),
        keys=_words.keys(failed["key"]),
    )


def _compared(group: _sites.Group) -> str:
    """How requests fared that met nothing else, and those that met nothing."""
    alone, control = (wording.plural(each.n, "request") for each in (group.alone, group.control))
    if not group.alone.n:
        return "None met it alone."
    known = f", of {control} without a fault {wording.estimate(group.control)}" if group.control.n else ""
    return f"Of {alone} that met it alone {wording.estimate(group.alone)} failed{known}."


def _is_told(failed: pd.DataFrame) -> bool:
    """Whether the app answered all of them with an error that it chose, and not because something escaped it."""
    return bool(failed["status"].isin(_TELLS).all() and failed["error"].isna().all())
