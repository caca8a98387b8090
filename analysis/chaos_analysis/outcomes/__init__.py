"""What the app did with each fault.

`handled`     the client got a right answer, or a 413 to a body that a fault had made far too long
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

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chaos_analysis.outcomes.codes import kinds
from chaos_analysis.outcomes.content import Contents
from chaos_analysis.outcomes.decide import Judge, Outcome
from chaos_analysis.outcomes.events import gather
from chaos_analysis.outcomes.facts import at_rest, of_answers, of_events
from chaos_analysis.outcomes.usual import Usual
from chaos_analysis.outcomes.words import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.outcomes.decide import Answer, Event

__all__ = ["OUTCOMES", "table"]


def table(
    evidence: Evidence, proven: Callable[[str, str], str], also: Sequence[Evidence] = (), *, compared: bool = False
) -> pd.DataFrame:
    """One row a fault event, in the ledger's order.

    `id, key, stage, started, rule, fault, seam, phase, target, route, file, line, function` as in the ledger.
    `dependency`: what was called, without query and ids; `peer`: who was; `call`: the call site's name that survives
        edits (see `places`). All "" at the edge.
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

    `proven(endpoint, rule)` tells the tier by which requests with that fault are shown to fail more often, or "". The
    fault-free requests of `also`, runs of the same app, tell what is usual, too. With `compared`, an answer whose
    content was not held against theirs is unknown, however good its status.
    """
    events = gather(evidence)
    contents = Contents(evidence, also)
    judge = Judge(Usual(evidence, also), contents, proven, at_rest(evidence), compared=compared)
    held = contents.of(events["place"])
    answers = of_answers(evidence, events, held)
    words, tiers, whys = _decided(events, of_events(events), answers, judge)
    return events.assign(
        outcome=words,
        tier=tiers,
        why=whys,
        error=events["left_error"].where(events["left_error"].notna(), events["call_error"]),
        frame=_frames(events),
        added=_added(events, evidence),
        judged=pd.Series([one.judged for one in held], dtype=object),
        alone=~events["key"].duplicated(keep=False),
    )


def _decided(
    table: pd.DataFrame, events: tuple[np.ndarray, list[Event]], answers: tuple[np.ndarray, list[Answer]], judge: Judge
) -> list[pd.Series[str]]:
    """Outcome, tier and why of each event; requests that are alike are decided once."""
    found = np.full(len(table), None, dtype=object)
    several = table["key"].duplicated(keep=False).to_numpy()
    alone = np.flatnonzero(~several)
    cases, firsts = kinds([answers[0][alone], events[0][alone]])
    decided = np.full(len(firsts), None, dtype=object)
    for case, first in enumerate(alone[firsts].tolist()):
        decided[case] = judge.decide(answers[1][answers[0][first]], [events[1][events[0][first]]])[0]
    found[alone] = decided[cases]
    calls, _ = kinds([table["rule"], table["target"]])
    known: dict[tuple[Any, ...], list[Outcome]] = {}
    for numbers in _together(table["key"], np.flatnonzero(several)):
        again = calls[numbers].tolist()
        firsts_of = [again.index(call) for call in again]
        together = (answers[0][numbers[0]], *events[0][numbers].tolist(), *firsts_of)
        if together not in known:
            met = [events[1][code] for code in events[0][numbers].tolist()]
            met = [one._replace(place=met[first].place) for one, first in zip(met, firsts_of, strict=True)]
            known[together] = judge.decide(answers[1][together[0]], met)
        for number, outcome in zip(numbers, known[together], strict=True):
            found[number] = outcome
    return [pd.Series([one[part] for one in found.tolist()], dtype=object) for part in range(3)]


def _together(keys: pd.Series[str], numbers: np.ndarray) -> Iterable[np.ndarray]:
    """These places by their keys, in order within each."""
    codes = pd.factorize(keys.iloc[numbers])[0]
    order = np.argsort(codes, kind="stable")
    return np.split(numbers[order], np.flatnonzero(np.diff(codes[order])) + 1) if len(numbers) else ()


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
    free = rows.loc[rows["control"] & rows["ok"], ["endpoint", "response_ms"]]
    medians = free.groupby("endpoint")["response_ms"].median()
    return (events["response_ms"].astype(float) - events["endpoint"].map(medians).astype(float)) / 1000
