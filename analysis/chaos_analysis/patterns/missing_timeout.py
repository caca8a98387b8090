"""An injected delay at a call that has no timeout, which the app's caller waited for to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from chaos_analysis import wording
from chaos_analysis.model import Pattern
from chaos_analysis.patterns import _words
from chaos_analysis.stats import proportion
from chaos_analysis.tables.keys import among

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.evidence import Evidence

_WHOLE = 0.95  # clocks differ a little between the processes
_SEAMS = ("http_client", "cache")  # whose calls are noted with their timeouts; of a database see no_statement_timeout


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site."""
    calls = _delayed_calls(evidence)
    for place, rows in calls.groupby(["file", "line", "function"], sort=True):
        if rows["passed"].any():
            yield _pattern(place, rows, evidence)


def _delayed_calls(evidence: Evidence) -> pd.DataFrame:
    """Calls without a timeout that met an injected delay, with its seconds and whether the client waited it out."""
    faults = evidence.tables.faults
    delays = faults[(faults["fault"] == "latency") & faults["seam"].isin(_SEAMS)]
    asked = {
        event: (float(what.get("seconds") or 0.0), rule)
        for event, what, rule in zip(delays["id"], delays["asked"], delays["rule"], strict=True)
        if isinstance(what, dict)
    }
    calls = evidence.tables.calls
    calls = calls[calls["faults"].astype(bool)]
    rows = [
        (key, file, line, function, target, seam, seconds, *delay)
        for key, file, line, function, target, seam, seconds, timeout, events in _records(calls)
        if _unbounded(timeout) and (delay := max((asked[e] for e in events if e in asked), default=None))
    ]
    columns = ["key", "file", "line", "function", "target", "seam", "seconds", "asked", "rule"]
    table = pd.DataFrame(rows, columns=columns)
    answers = evidence.met(table["key"])[["key", "endpoint", "ok", "status", "response_ms"]]
    table = table.merge(answers, on="key", how="inner")
    whole = _WHOLE * table["asked"]
    table["passed"] = (table["seconds"] >= whole) & (table["response_ms"] / 1000 >= whole)
    table["hung"] = (table["status"] == 0) & ~table["ok"]
    return table


def _records(calls: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    names = ("key", "file", "line", "function", "target", "seam", "seconds", "timeout", "faults")
    return zip(*(calls[name].tolist() for name in names), strict=True)


def _unbounded(timeout: Any) -> bool:
    """No timeout, or none for reading."""
    return timeout is None or (isinstance(timeout, list) and (len(timeout) < 2 or timeout[1] is None))


def _delay_failures(keys: pd.Index[str], evidence: Evidence) -> int:
    """The failed among these requests that nothing else is to blame for."""
    causes = evidence.causes
    return int(((causes["cause"] == "delay") & among(causes["key"], set(keys))).sum())


def _pattern(place: Any, rows: pd.DataFrame, evidence: Evidence) -> Pattern:
    site = _words.site(*place)
    target = _words.grouped(rows["target"]) or ""
    requests = rows.groupby("key").agg(passed=("passed", "any"), ok=("ok", "all"), hung=("hung", "any"))
    hit = requests[requests["passed"] | requests["hung"]]
    failures, slow = _delay_failures(hit.index, evidence), int(hit["ok"].sum())
    names = rows.loc[rows["passed"] | rows["hung"], "endpoint"].value_counts()
    low, high = float(rows["asked"].min()), float(rows["asked"].max())
    delay = wording.seconds(high) if high < 1.05 * low else f"{wording.seconds(low)} to {wording.seconds(high)}"
    count = f"{wording.count(len(hit))} of {wording.count(len(requests))}"
    control = evidence.control[evidence.control["endpoint"].isin(set(names.index))]
    usual = control.loc[control["ok"], "response_ms"].median() / 1000
    hung = int(requests["hung"].sum())
    facts = [("injected delay", delay), ("endpoints", _words.endpoints(names)), ("waited it out", count)]
    facts += [("usual answer without a fault", wording.seconds(usual))] if usual == usual else []  # noqa: PLR0124 - NaN
    facts += [("no answer before the client gave up", wording.count(hung))] if hung else []
    nothing = f", of which {hung} had no answer" if hung else ""
    return Pattern(
        id=f"missing_timeout:{site.file}:{site.function}" if site else f"missing_timeout:{target}",
        finder="missing_timeout",
        title=f"{_words.service(target)} call has no timeout: a {delay} delay passed whole to"
        f" {_words.listed(names.index)} ({count})",
        summary=(
            f"{site} calls {target} without a timeout. An injected delay of {delay} was passed on whole to {count} "
            f"requests{nothing}: if {_words.service(target)} hangs, so does the app."
        ),
        evidence="direct",
        severity="critical" if hung else "high",
        endpoint=str(names.index[0]) if len(names) == 1 else None,
        failures=failures,
        slow=slow,
        rate=proportion(failures, len(requests)),
        baseline=proportion(int((~control["ok"]).sum()), len(control)),
        rules=tuple(sorted(rows["rule"].unique())),
        faults=("latency",),
        seam=str(rows["seam"].iloc[0]),
        target=target,
        site=site,
        facts=tuple(facts),
        keys=_words.keys(hit.index),
    )
