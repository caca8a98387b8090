"""Failures of requests that met no fault: the app's own bugs, or damage done by other requests' faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.evidence import BETWEEN_STAGES
from chaos_analysis.model import Pattern
from chaos_analysis.patterns import _words
from chaos_analysis.stats import proportion
from chaos_analysis.tables.keys import among

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Estimate, Site

OWN = "collateral:own:"  # how the id of a pattern begins that is a bug of the app's own


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern an endpoint that fails by itself, one for each that fails more often beside faults."""
    yield from _own(evidence)
    yield from _beside(evidence)


def _own(evidence: Evidence) -> Iterator[Pattern]:
    """What fails before any fault, or without one where there is no baseline; the same failures later count with it."""
    free = evidence.rows[evidence.rows["control"]]
    early = len(evidence.baseline) > 0
    where, when = (
        ("in the baseline", "before any fault was on") if early else ("that met none", "without meeting a fault")
    )
    for endpoint, rows in (evidence.baseline if early else free).groupby("endpoint", sort=True):
        failed = rows[~rows["ok"]]
        if failed.empty:
            continue
        rate = _rate(rows)
        q = evidence.q("collateral", str(endpoint))
        worse = q is not None and q < BETWEEN_STAGES
        alike = rows if worse else free[free["endpoint"] == endpoint]
        noted = _noted(alike[~alike["ok"]], evidence)
        yield Pattern(
            id=f"{OWN}{endpoint}",
            finder="collateral",
            title=f"{endpoint} fails without any fault ({len(failed)} of {len(rows)} {where})",
            summary=f"{wording.estimate(rate)} of its requests failed {when}: "
            + ("a bug of the app's own, not resilience. " if early else "a bug of the app's own, or shared damage. ")
            + _errors(failed),
            evidence="observed",
            severity="critical" if (rate.low or 0.0) >= 0.1 else "high",
            endpoint=str(endpoint),
            failures=int((~alike["ok"]).sum()),
            rate=rate,
            site=_raised(noted),
            facts=_facts(failed, noted),
            keys=_words.keys(failed["key"]),
        )


def _beside(evidence: Evidence) -> Iterator[Pattern]:
    """What fails without a fault of its own significantly more often while others meet faults."""
    for endpoint, rows in evidence.control.groupby("endpoint", sort=True):
        q = evidence.q("collateral", str(endpoint))
        if q is None or q >= BETWEEN_STAGES:
            continue
        failed, rate = rows[~rows["ok"]], _rate(rows)
        baseline = _rate(evidence.baseline[evidence.baseline["endpoint"] == endpoint])
        yield Pattern(
            id=f"collateral:beside:{endpoint}",
            finder="collateral",
            title=f"{endpoint} fails beside others' faults: {len(failed)} of {len(rows)} requests that met none",
            summary=(
                f"{wording.estimate(rate)} of its requests without a fault failed while other requests met faults, "
                f"{wording.estimate(baseline)} in the baseline: faults left a state behind that others share, or used "
                f"something up. Which of both the app's log may say (app.log). {_errors(failed)}"
            ),
            evidence="observed",
            severity="high",
            endpoint=str(endpoint),
            failures=len(failed),
            rate=rate,
            baseline=baseline,
            p_value=q,
            facts=(*_facts(failed, _noted(failed, evidence)), *_met(failed, evidence)),
            keys=_words.keys(failed["key"]),
        )


def _met(failed: pd.DataFrame, evidence: Evidence) -> tuple[tuple[str, str], ...]:
    """The errors of their own calls, which no fault of theirs explains: they may name the state."""
    calls = evidence.tables.calls
    chosen = calls[among(calls["key"], set(failed["key"])) & calls["error"].notna()]
    met = chosen[["error", "file", "line"]].value_counts(dropna=False)
    texts = [
        f"{error} at {file}:{int(line)}" if isinstance(file, str) else str(error) for error, file, line in met.index
    ]
    return (("errors of their calls", _words.listed(texts)),) if texts else ()


def _rate(rows: pd.DataFrame) -> Estimate:
    return proportion(int((~rows["ok"]).sum()), len(rows))


def _errors(failed: pd.DataFrame) -> str:
    messages = failed["error"].dropna().astype(str).value_counts()
    return f"The client saw: {_words.listed(messages.index)}." if len(messages) else ""


def _noted(failed: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    """The exceptions that left the app in those of the failed requests that were noted."""
    answers = evidence.tables.answers
    return answers[among(answers["key"], set(failed["key"])) & answers["error"].notna()]


def _raised(noted: pd.DataFrame) -> Site | None:
    """The line that most of the exceptions came from."""
    places = noted[["file", "line", "function"]].value_counts()
    return _words.site(*places.index[0]) if len(places) else None


def _facts(failed: pd.DataFrame, noted: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    facts = [("answers", _words.listed(str(status or "no answer") for status in failed["status"].unique()))]
    if len(noted):
        texts = [
            f"{error}: {text}" + (f" at {file}:{int(line)}" if isinstance(file, str) else "")
            for error, text, file, line in zip(
                noted["error"], noted["error_text"], noted["file"], noted["line"], strict=True
            )
        ]
        facts.append(("exceptions that left the app", _words.listed(texts)))
    return tuple(facts)
