"""Findings in plain Locust statistics: what fails, what is slow at the tail, what was raised, what got worse with time.

All of it is observed: no fault is known, so no cause is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Estimate, Pattern, Severity
from chaos_analysis.stats import fisher, proportion
from chaos_analysis.stats.quantile import need

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.model import EndpointStats

_TAIL = 10.0
_SLOWER = 2.0
_SHOWN = 5
_NO_RATE = Estimate(None, None, None, 0, "probability")


def find(
    endpoints: tuple[EndpointStats, ...], history: pd.DataFrame, failures: pd.DataFrame, exceptions: pd.DataFrame
) -> Iterator[Pattern]:
    """Every finding, not ranked."""
    for stats in endpoints:
        yield from _error_rate(stats, failures)
        yield from _tail(stats)
    yield from _exceptions(exceptions)
    yield from _over_time(history)


def _error_rate(stats: EndpointStats, failures: pd.DataFrame) -> Iterator[Pattern]:
    if not stats.failures:
        return
    rate = proportion(stats.failures, stats.requests)
    names = (failures["Method"].astype(str) + " " + failures["Name"].astype(str)).str.strip()
    messages = failures[names == stats.endpoint].groupby("Error")["Occurrences"].sum().nlargest(_SHOWN)
    facts = tuple((str(error)[:200], wording.count(n)) for error, n in messages.items())
    first = f", most often {facts[0][0]!r}" if facts else ""
    yield Pattern(
        id=f"error_rate:{stats.endpoint}",
        finder="error_rate",
        title=f"{stats.endpoint} fails {wording.percent(rate.value or 0.0)} of its requests"
        f" ({wording.count(stats.failures)} of {wording.count(stats.requests)})",
        summary=f"{wording.estimate(rate)} of its requests failed{first}.",
        evidence="observed",
        severity=_severity(rate),
        endpoint=stats.endpoint,
        failures=stats.failures,
        rate=rate,
        facts=facts,
    )


def _severity(rate: Estimate) -> Severity:
    low = rate.low or 0.0
    return "critical" if low >= 0.1 else "high" if low >= 0.01 else "medium"


def _tail(stats: EndpointStats) -> Iterator[Pattern]:
    p50, p99 = stats.p50.value, stats.p99.value
    if not p50 or not p99 or stats.requests < need(0.99) or p99 < _TAIL * p50:
        return
    yield Pattern(
        id=f"tail_latency:{stats.endpoint}",
        finder="tail_latency",
        title=f"{stats.endpoint} has a long tail: p99 is {wording.number(p99 / p50)} times the median",
        summary=f"Half of the answers take {wording.seconds(p50 / 1000)}, one in a hundred "
        f"{wording.seconds(p99 / 1000)} or more (Locust's buckets, failures included).",
        evidence="observed",
        severity="medium",
        endpoint=stats.endpoint,
        failures=0,
        slow=stats.requests // 100,
        rate=proportion(stats.failures, stats.requests),
        facts=(("median", wording.seconds(p50 / 1000)), ("p99", wording.seconds(p99 / 1000))),
    )


def _exceptions(exceptions: pd.DataFrame) -> Iterator[Pattern]:
    """What was raised in Locust's user classes: the test's own trouble, often an answer that it did not expect."""
    for message, rows in exceptions.groupby("Message", sort=True):
        n = int(rows["Count"].sum())
        trace = [line for text in rows.get("Traceback", ()) for line in str(text).strip().splitlines()]
        yield Pattern(
            id=f"exceptions:{message}",
            finder="exceptions",
            title=f"Locust's user classes raised {str(message)[:100]!r} {wording.plural(n, 'time')}",
            summary="An exception in a user class ends its task there: the requests that follow were not sent.",
            evidence="observed",
            severity="medium",
            endpoint=None,
            failures=0,
            rate=_NO_RATE,
            facts=tuple(("where", line.strip()[:200]) for line in trace if line.lstrip().startswith("File"))[-1:],
        )


def _over_time(history: pd.DataFrame) -> Iterator[Pattern]:
    """The last third of the requests against the first third, from differences of the history's running totals."""
    if len(history) < 6:
        return
    count, bad = history["Total Request Count"], history["Total Failure Count"]
    at = [int((count - count.max() * share).abs().argmin()) for share in (0, 1 / 3, 2 / 3, 1)]
    (n_first, n_last), (bad_first, bad_last) = (
        (int(column.iloc[at[1]] - column.iloc[at[0]]), int(column.iloc[at[3]] - column.iloc[at[2]]))
        for column in (count, bad)
    )
    if n_first > 0 and n_last > 0 and fisher(bad_last, n_last, bad_first, n_first) < 0.05:
        more = round(bad_last - n_last * bad_first / n_first)
        yield _rising(proportion(bad_first, n_first), proportion(bad_last, n_last), more)
    if "Total Average Response Time" in history and n_first > 0 and n_last > 0:
        spent = count * history["Total Average Response Time"]
        first, last = (
            (spent.iloc[at[1]] - spent.iloc[at[0]]) / n_first,
            (spent.iloc[at[3]] - spent.iloc[at[2]]) / n_last,
        )
        if first > 0 and last > _SLOWER * first:
            yield _slowing(float(first), float(last), n_last)


def _rising(first: Estimate, last: Estimate, more: int) -> Pattern:
    """`more` failures than the first third had: those are what the rise explains, and by them it is ranked."""
    return Pattern(
        id="error_rate:over time",
        finder="error_rate",
        title=f"Failures rose from {wording.percent(first.value or 0)} in the first third of the run to"
        f" {wording.percent(last.value or 0)} in the last",
        summary=f"{wording.estimate(last)} of the last third's requests failed, of the first's "
        f"{wording.estimate(first)}.",
        evidence="observed",
        severity="high" if (last.low or 0.0) - (first.high or 0.0) >= 0.1 else "medium",
        endpoint=None,
        failures=more,
        rate=last,
        baseline=first,
    )


def _slowing(first: float, last: float, requests: int) -> Pattern:
    return Pattern(
        id="tail_latency:over time",
        finder="tail_latency",
        title=f"Answers slowed down from {wording.seconds(first / 1000)} on average in the first third of the run to"
        f" {wording.seconds(last / 1000)} in the last",
        summary="The average grew with time: something fills up, or the load outgrew the service.",
        evidence="observed",
        severity="high",
        endpoint=None,
        failures=0,
        slow=requests,
        rate=_NO_RATE,
        facts=(("first third", wording.seconds(first / 1000)), ("last third", wording.seconds(last / 1000))),
    )
