"""What the app did with each fault.

`handled`     the client got a right answer
`retried`     the faulted call was made again in the same request, went well, and the client got a right answer
`degraded`    the answer is right but marked or reduced
`wrong`       the answer says it is well (2xx) and is not: its check failed, or it says what no fault-free answer says
`propagated`  the answer is an error that fault-free answers are not
`hung`        the client gave up waiting
`lost`        the client got no (whole) answer
`crashed`     no answer either, and the app's process did not live to note the end of the request
`unknown`     it cannot be told: no row of the client, nothing fault-free to compare with, or several faults of which
              none is shown to have done it
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chaos_analysis.outcomes.content import Contents
from chaos_analysis.outcomes.decide import DELAYS, Answer, Event, Judge, Outcome
from chaos_analysis.outcomes.events import gather
from chaos_analysis.outcomes.usual import End, Usual

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chaos_analysis.evidence import Evidence

OUTCOMES = ("handled", "retried", "degraded", "wrong", "propagated", "hung", "lost", "crashed", "unknown")


def table(evidence: Evidence, proven: Callable[[str, str], str]) -> pd.DataFrame:
    """One row a fault event, in the ledger's order.

    `id, key, stage, started, rule, fault, seam, phase, target, route, file, line, function` as in the ledger.
    `dependency`: what was called, without query and ids; `call`: the call site's name that survives edits (`places`);
        both "" at the edge.
    `endpoint`: the client's `METHOD name`; `row`: whether the client has a row of the request; `status`,
        `error_class`, `response_ms` of that row.
    `outcome`: one of `OUTCOMES`; `tier`: how it is tied to this fault: `direct`, `causal`, `model`, or "" where nothing
        had to be tied; `why`: what is to be said of it, mostly of an unknown one; `judged`: whether the answer was held
        against fault-free ones by its `content`, its `shape`, or its `status` and the locustfile's check alone.
    `error`: the exception that left the app, else the one that the call met; `frame`: `file:line function` of the app's
        deepest frame of the former, else the call site; both None for none.
    `attempts`: how often the call was made again; `waits`: the seconds before each; `recovered`: the last went well.
    `asked`, `injected`: seconds of delay asked and measured, NaN where the fault has none; `added`: the client's
        seconds beyond the median of fault-free requests of the endpoint; `alone`: the request met no other event.

    `proven(endpoint, rule)` tells the tier by which requests with that fault are shown to fail more often, or "".
    """
    events = gather(evidence)
    usual = Usual(evidence)
    contents = Contents(evidence)
    judge = Judge(usual, contents, proven, _at_rest(evidence))
    found = pd.DataFrame(
        _decided(events, judge, contents), columns=["outcome", "tier", "why"], index=events.index, dtype=object
    )
    return pd.concat([events, found], axis=1).assign(
        error=events["left_error"].fillna(events["call_error"]),
        frame=_frames(events),
        added=_added(events, evidence),
        judged=[contents.of(place).judged for place in events["place"].tolist()],
        alone=~events["key"].duplicated(keep=False),
    )


def _decided(events: pd.DataFrame, judge: Judge, contents: Contents) -> list[Outcome]:
    """The outcome of each event; requests that are alike are decided once."""
    keys, facts, answers = events["key"].tolist(), list(_facts(events)), list(_answers(events, contents))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    known: dict[Any, list[Outcome]] = {}
    found: list[Outcome] = [Outcome("unknown")] * len(keys)
    for _, group in groupby(order, keys.__getitem__):
        numbers = list(group)
        case = (answers[numbers[0]], tuple(facts[number] for number in numbers))
        if case not in known:
            known[case] = judge.decide(*case)
        for number, outcome in zip(numbers, known[case], strict=True):
            found[number] = outcome
    return found


def _facts(events: pd.DataFrame) -> Iterator[Event]:
    most = events["injected"].to_numpy() >= 0.5 * events["response_ms"].to_numpy(float) / 1000
    names = ("rule", "fault", "seam", "call", "did", "call_error")
    columns = [events[name].tolist() for name in names]
    rest = (_named(events).tolist(), events["attempts"].tolist(), events["recovered"].tolist(), most.tolist())
    return map(Event._make, zip(*columns, *rest, strict=True))


def _named(events: pd.DataFrame) -> np.ndarray:
    """The exception that left the app is what the fault raised, or came from the faulted line; at the edge, the answer
    is what the fault makes of it.
    """
    left, line = events["left_error"], events["left_line"].to_numpy(float)
    raised = (left == events["did"]) | (left == events["call_error"])
    there = (events["left_file"] == events["file"]) & (line == events["line"].to_numpy(float))
    status, fault = events["status"].to_numpy(float), events["fault"]
    shows = ((fault == "exception") & (status >= 500)) | ((fault == "connection_reset") & (status == 0))
    shows |= ~fault.isin(("exception", "connection_reset", *DELAYS))
    edge = (events["seam"] == "wsgi").to_numpy()
    return np.asarray(np.where(edge, shows, left.notna() & (raised | there)), dtype=bool)


def _answers(events: pd.DataFrame, contents: Contents) -> Iterator[Answer]:
    names = ("place", "endpoint", "status", "error_class", "left_error", "left_file", "left_line", "recorded")
    for place, endpoint, status, error_class, error, file, line, recorded in zip(
        *(events[name].tolist() for name in names), strict=True
    ):
        end = End(endpoint, int(status), error_class or "") if place >= 0 else None
        yield Answer(end, _raised(error, file, line), recorded, contents.of(place))


def _raised(error: Any, file: Any, line: Any) -> str | None:
    return f"{error} {file}:{line}" if error is not None else None


def _at_rest(evidence: Evidence) -> frozenset[tuple[str, str]]:
    """Exceptions that leave the app without a fault: endpoint, class and line."""
    answers, rows = evidence.tables.answers, evidence.tables.requests
    left = answers[answers["error"].notna() & ~answers["faults"].astype(bool)]
    control, endpoints = rows["control"].to_numpy(), rows["endpoint"].to_numpy()
    places = [evidence.places.get(key) for key in left["key"].tolist()]
    raised = zip(places, *(left[name].tolist() for name in ("error", "file", "line")), strict=True)
    return frozenset(
        (str(endpoints[at]), str(_raised(*what))) for at, *what in raised if at is not None and control[at]
    )


def _frames(events: pd.DataFrame) -> pd.Series[Any]:
    """Where the exception came from; for one that the app caught, the call that met it."""
    names = ("left_error", "left_file", "left_line", "left_function", "call_error", "file", "line", "function")
    return pd.Series(
        [
            _frame(*left) if error is not None else _frame(*site) if met is not None else None
            for error, *left, met, a, b, c in zip(*(events[name].tolist() for name in names), strict=True)
            for site in [(a, b, c)]
        ],
        dtype=object,
    )


def _frame(file: Any, line: float, function: Any) -> str | None:
    return f"{file}:{line:.0f} {function}" if isinstance(file, str) else None


def _added(events: pd.DataFrame, evidence: Evidence) -> pd.Series[float]:
    rows = evidence.tables.requests
    free = rows[rows["control"] & rows["ok"]]
    medians = free.groupby("endpoint")["response_ms"].median()
    return (events["response_ms"].astype(float) - events["endpoint"].map(medians).astype(float)) / 1000
