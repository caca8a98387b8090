"""What each failed request is put down to: one cause a request, so that counts of failures add up.

`edge`         a fault injected at the edge ended it
`dependency`   a fault at an outbound call became an error answer
`content`      a fault at an outbound call, and an answer that looks fine without its content
`delay`        an injected delay took longer than the client waits
`earlier`      a fault of an earlier request left behind what this one failed by (`tables.aftermath`)
`window`       it met none, and was in the app while a fault befell all of it (`tables.windows`)
`none`         it met no fault that could explain it
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from chaos_analysis.tables.keys import among
from chaos_analysis.tables.windows import of_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from chaos_analysis.model import Tables

COLUMNS = ("cause", "direct", "rule", "fault", "seam", "target", "file", "line", "function", "error", "error_text")
_TYPES = {"direct": bool, "line": np.float64}
_HARMLESS = ("noop",)
_DELAYS = ("latency", "slow_body")
_WAITS = ("slow_statement", "lock_contention", "pool_exhaustion")  # delays, where the client gave up before their end
_EVENT = ("key", "rule", "fault", "seam", "target", "file", "line", "function", "measured")


class _Event(NamedTuple):
    key: str
    rule: str
    fault: str
    seam: str
    target: str | None
    file: str | None
    line: float
    function: str | None
    measured: Any

    @property
    def did(self) -> str | None:
        return self.measured.get("did") if isinstance(self.measured, dict) else None


class _Answer(NamedTuple):
    """How the request left the app."""

    error: str | None = None
    text: str | None = None
    file: str | None = None
    line: float = 0.0


_NOTHING = _Answer()


def _never(_endpoint: str, _rule: str) -> bool:
    return False


def attribute(tables: Tables, lethal: Callable[[str, str], object] = _never) -> pd.DataFrame:
    """The failed requests (columns of `tables.requests`) with `COLUMNS`; `direct`: the request shows its cause.

    `lethal` says whether a rule is shown to fail an endpoint's requests: of several faults that could each be the
    cause, and of which the request itself shows none, that one is blamed.
    """
    rows = tables.requests
    failed = rows[~rows["ok"]].reset_index(drop=True)
    keys = set(failed["key"])
    events = _events(tables.faults, keys)
    answers = _answers(tables.answers, keys)
    earlier = _earlier(tables.faults, failed)
    columns = zip(*(failed[name].tolist() for name in ("key", "endpoint", "status", "error_class")), strict=True)
    found = [
        _row("earlier", True, event, answers.get(key, _NOTHING))  # noqa: FBT003 - `direct`
        if event is not None
        else _blame(int(status), str(error), _ranked(events.get(key, ()), endpoint, lethal), answers.get(key, _NOTHING))
        for event, (key, endpoint, status, error) in zip(earlier, columns, strict=True)
    ]
    if windows := _windows(tables.faults):
        found = [*map(partial(_in_window, windows), failed["rules"].tolist(), found)]
    values = zip(COLUMNS, list(zip(*found, strict=True)) or [()] * len(COLUMNS), strict=True)
    told = pd.DataFrame({name: pd.Series(value, dtype=_TYPES.get(name, object)) for name, value in values})
    return pd.concat([failed.drop(columns=["rule", "error"]), told], axis=1)


def _windows(faults: pd.DataFrame) -> dict[str, _Event]:
    """The faults that befall a window of time, the last of each rule."""
    chosen = of_windows(faults)[list(_EVENT)]
    return {event.rule: event for event in map(_Event._make, _records(chosen))}


def _in_window(windows: dict[str, _Event], rules: Sequence[str], told: tuple[Any, ...]) -> tuple[Any, ...]:
    """What it is put down to, where nothing that it met by itself explains it."""
    event = next((windows[rule] for rule in rules if rule in windows), None)
    if told[0] != "none" or event is None:
        return told
    return _row("window", False, event, _Answer(*told[-2:]))  # noqa: FBT003 - `direct`


def _is_delay(event: _Event, delays: Sequence[str]) -> bool:
    """It held the call up, and did not end it, as far as it is known."""
    return event.fault in _WAITS or event.did in (None, "done", event.fault) if event.fault in delays else False


def _earlier(faults: pd.DataFrame, failed: pd.DataFrame) -> list[_Event | None]:
    """The fault of an earlier request by which each one failed, None for most."""
    places = failed["because"].tolist() if "because" in failed else [-1] * len(failed)
    needed = sorted({place for place in places if place >= 0})
    events = dict(zip(needed, map(_Event._make, _records(faults.iloc[needed][list(_EVENT)])), strict=True))
    return [events.get(place) for place in places]


def _ranked(events: Sequence[_Event], endpoint: str, lethal: Callable[[str, str], object]) -> Sequence[_Event]:
    """Those at calls that are shown to be lethal last, else all in the order in which they fired."""
    if len(events) < 2:
        return events
    return sorted(events, key=lambda event: event.seam != "wsgi" and bool(lethal(endpoint, event.rule)))


def _blame(status: int, error_class: str, events: Sequence[_Event], answer: _Answer) -> tuple[Any, ...]:
    """The cause, whether the request itself shows it, and the event."""
    harmful = [event for event in events if event.fault not in _HARMLESS and event.did != "unsupported"]
    for event in harmful:
        if event.seam == "wsgi" and event.fault not in _DELAYS:
            return _row("edge", _edge_shows(event, status), event, answer)
    outbound = [event for event in harmful if event.seam != "wsgi"]
    named = [event for event in outbound if _names(answer, event)]
    gave_up = status == 0 or error_class.endswith("Timeout")
    delays = (*_DELAYS, *_WAITS) if gave_up else _DELAYS
    ended = [event for event in outbound if not _is_delay(event, delays)]
    if named or ended:
        event = (named or ended)[-1]
        cause = "content" if 0 < status < 400 else "dependency"
        return _row(cause, bool(named) and cause == "dependency", event, answer)
    waited = [event for event in harmful if event.fault in delays]
    if waited and gave_up:
        longest = max(waited, key=_seconds)
        return _row("edge" if longest.seam == "wsgi" else "delay", False, longest, answer)  # noqa: FBT003 - `direct`
    return "none", False, "", "", "", None, None, float("nan"), None, answer.error, answer.text


def _row(cause: str, direct: bool, event: _Event, answer: _Answer) -> tuple[Any, ...]:  # noqa: FBT001 - a column
    where = (event.target, event.file, event.line, event.function)
    return cause, direct, event.rule, event.fault, event.seam, *where, answer.error, answer.text


def _edge_shows(event: _Event, status: int) -> bool:
    """An exception must show as a 5xx, a reset as no answer; an answer made up by the fault is the fault."""
    if event.fault == "exception":
        return status >= 500
    return status == 0 if event.fault == "connection_reset" else True


def _names(answer: _Answer, event: _Event) -> bool:
    """The exception that left the app came from the faulted call's own line, or is what the fault raised there."""
    if answer.error is None:
        return False
    return (answer.file, answer.line) == (event.file, event.line) or (
        event.did is not None and answer.error == event.did
    )


def _seconds(event: _Event) -> float:
    return float(event.measured.get("seconds") or 0.0) if isinstance(event.measured, dict) else 0.0


def _events(faults: pd.DataFrame, keys: set[str]) -> dict[str, list[_Event]]:
    events: dict[str, list[_Event]] = {}
    chosen = faults.loc[among(faults["key"], keys), list(_EVENT)]
    for event in map(_Event._make, _records(chosen)):
        events.setdefault(event.key, []).append(event)
    return events


def _answers(table: pd.DataFrame, keys: set[str]) -> dict[str, _Answer]:
    chosen = table.loc[
        among(table["key"], keys) & table["error"].notna(), ["key", "error", "error_text", "file", "line"]
    ]
    values = _records(chosen)
    return {key: _Answer(*rest) for key, *rest in values}


def _records(table: pd.DataFrame) -> Iterable[tuple[Any, ...]]:
    return zip(*(table[name].tolist() for name in table.columns), strict=True)
