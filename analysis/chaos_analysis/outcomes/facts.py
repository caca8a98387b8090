"""What a decision needs of each event and each request, as values that many of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chaos_analysis.outcomes.codes import kinds
from chaos_analysis.outcomes.decide import DELAYS, Answer, Event
from chaos_analysis.outcomes.redirects import strayed
from chaos_analysis.outcomes.refused import refused
from chaos_analysis.outcomes.usual import End

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence
    from chaos_analysis.outcomes.content import Content

_EVENT = ("rule", "fault", "seam", "call", "did", "call_error")
_ANSWER = ("row", "endpoint", "status", "error_class", "left_error", "left_file", "left_line", "recorded")


def of_events(events: pd.DataFrame) -> tuple[np.ndarray, list[Event]]:
    """The number of each event's facts, and the facts by their numbers."""
    most = events["injected"].to_numpy() >= 0.5 * events["response_ms"].to_numpy(float) / 1000
    columns = [events[name] for name in _EVENT]
    columns += [pd.Series(_named(events)), events["attempts"], events["recovered"], pd.Series(most)]
    numbers, firsts = kinds(columns)
    values = zip(*(column.iloc[firsts].tolist() for column in columns), strict=True)
    return numbers, [Event(*_plain(value)) for value in values]


def of_answers(evidence: Evidence, events: pd.DataFrame, held: list[Content]) -> tuple[np.ndarray, list[Answer]]:
    """The number of the facts of each event's request, and the facts by their numbers; `held`: its answer's content."""
    astray = strayed(evidence)
    elsewhere = pd.Series([astray.get(key, "") for key in events["key"].tolist()] if astray else "", index=events.index)
    columns = [*(events[name] for name in _ANSWER), pd.Series(held, dtype=object), elsewhere, refused(events, events)]
    numbers, firsts = kinds(columns)
    values = zip(*(column.iloc[firsts].tolist() for column in columns), strict=True)
    return numbers, [_answer(*_plain(value)) for value in values]


def _answer(row: bool, endpoint: Any, status: Any, error_class: Any, *rest: Any) -> Answer:  # noqa: FBT001 - a column
    error, file, line, recorded, *others = rest
    end = End(endpoint, int(status), error_class or "") if row else None
    return Answer(end, raised(error, file, line), recorded, *others)


def _plain(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(None if value != value else value for value in values)  # noqa: PLR0124 - NaN


def at_rest(evidence: Evidence) -> frozenset[tuple[str, str]]:
    """Exceptions that leave the app without a fault: endpoint, class and line."""
    answers, rows = evidence.tables.answers, evidence.tables.requests
    left = answers[answers["error"].notna() & ~answers["faults"].astype(bool)]
    control, endpoints = rows["control"].to_numpy(), rows["endpoint"].to_numpy()
    places = [evidence.places.get(key) for key in left["key"].tolist()]
    told = zip(places, *(left[name].tolist() for name in ("error", "file", "line")), strict=True)
    return frozenset((str(endpoints[at]), str(raised(*what))) for at, *what in told if at is not None and control[at])


def raised(error: Any, file: Any, line: Any) -> str | None:
    """An exception by its class and line."""
    return f"{error} {file}:{line}" if error is not None else None


def _named(events: pd.DataFrame) -> np.ndarray:
    """The exception that left the app is what the fault raised, or came from the faulted line; at the edge, the answer
    is what the fault makes of it.
    """
    left, line = events["left_error"], events["left_line"].to_numpy(float)
    raised_so = (left == events["did"]) | (left == events["call_error"])
    there = (events["left_file"] == events["file"]) & (line == events["line"].to_numpy(float))
    status, fault = events["status"].to_numpy(float), events["fault"]
    shows = ((fault == "exception") & (status >= 500)) | ((fault == "connection_reset") & (status == 0))
    shows |= ~fault.isin(("exception", "connection_reset", *DELAYS))
    edge = (events["seam"] == "wsgi").to_numpy()
    return np.asarray(np.where(edge, shows, left.notna() & (raised_so | there)), dtype=bool)
