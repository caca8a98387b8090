"""Failures of requests without a fault that a fault of an earlier one explains, since the error itself names the state
that it left behind: a transaction nobody rolled back, a connection that is dead, a pool that is used up.

`poisoned`   the connection or session is still in a transaction that has failed
`stale`      the connection had been ended before the pool gave it away
`cut`        it was ended meanwhile: whoever asks whether it lives would not have known
`exhausted`  the pool had no connection while a fault held all of them
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from chaos_analysis.tables.keys import among

if TYPE_CHECKING:
    from collections.abc import Iterable

_POISONED = ("PendingRollbackError", "InFailedSqlTransaction")
_ABORTED = re.compile(r"InFailedSqlTransaction|current transaction is aborted|rolled back due to a previous exception")
_DEAD = ("AdminShutdown",)
_BROKEN = ("OperationalError", "InterfaceError")  # what drivers call a dead connection, among other things
_GONE = re.compile(r"terminating connection|closed the connection|connection (is|already|has been) closed|gone away")
_HELD = 2.0  # seconds beyond those asked: connections are taken for one at most, and processes' clocks differ
_ALIKE = 5  # noted failures that are all of one kind, before those that were not noted are put to it


class _Faults(NamedTuple):
    """The faults of databases that can leave such a state, by kind, in order of time: places in the table."""

    table: pd.DataFrame
    places: dict[str, np.ndarray]
    ids: dict[str, int]  # of those that can fail a transaction

    def before(self, kind: str, started: float, ended: float) -> int:
        """The last one that began before the request ended; -1 for none, or where it was over long before."""
        places = self.places[kind]
        at = int(np.searchsorted(self.table["started"].to_numpy()[places], ended)) - 1
        if at < 0 or (kind == "exhausted" and started > self._over(int(places[at]))):
            return -1
        return int(places[at])

    def meanwhile(self, since: float, ended: float, key: str) -> bool:
        """Whether faults of other requests were ending connections between the two: one's own comes before the pool
        gives a connection away.
        """
        places = self.places["stale"]
        began = self.table["started"].to_numpy(float)[places]
        over = np.nan_to_num(self.table["finished"].to_numpy(float)[places], nan=np.inf)
        others = (self.table["key"] != key).to_numpy(bool)[places]
        return bool((others & (began <= ended) & (over >= since)).any())

    def behind(self, events: Iterable[str], error: str, began: float) -> int:
        """The one by which a call ended in an error: its own, or what had ended its connection before; -1 for none."""
        own = [self.ids[event] for event in events if event in self.ids]
        if own:
            return own[-1]
        return self.before("stale", began, began) if error in (*_DEAD, *_BROKEN) else -1

    def _over(self, place: int) -> float:
        asked: Any = self.table["asked"].iat[place]
        seconds = float(asked.get("seconds") or 0.0) if isinstance(asked, dict) else 0.0
        return float(self.table["started"].to_numpy()[place]) + seconds + _HELD


class _Poison:
    """Which fault left the failed transaction behind that a request ran into: one that ended a call by an error where
    this state showed later, too. Whoever rolls back, or has a session for each request, never meets it again; so a
    fault there explains nothing, however late it was.
    """

    def __init__(self, rows: pd.DataFrame, causes: _Faults, calls: pd.DataFrame, answers: pd.DataFrame) -> None:
        self._endpoints = dict(zip(rows["key"].tolist(), rows["endpoint"].tolist(), strict=True))
        self._seen: dict[str, set[Any]] = {}  # where the state showed, of each request and each endpoint
        for key, error, *place, text in _failed(answers, "error_text"):
            if _of_error(error, str(text)) == "poisoned":
                self._show(key, place)
        broken: list[tuple[float, int, str, list[Any]]] = []
        for key, error, *place, faults, began, target in _failed(
            calls[calls["seam"] == "database"], "faults", "started", "target"
        ):
            if _of_call(error, str(target)) == "poisoned":
                self._show(key, place)
            elif (event := causes.behind(faults, error, began)) >= 0:
                broken.append((began, event, key, place))
        shown: set[Any] = set().union(*self._seen.values())
        self._broken: dict[Any, list[tuple[float, int, str]]] = {}
        for began, event, key, place in sorted(broken, key=lambda one: one[0]):
            spots = self._spots(key, place)
            for spot in [*spots, *([None] if shown.intersection(spots) else [])]:
                self._broken.setdefault(spot, []).append((began, event, key))

    def left_by(self, key: str, ended: float) -> int:
        """The last such fault before the request ended, of another request: at the line where the error came from, or
        else in that function, at that endpoint, or anywhere that the state showed; -1 for none.
        """
        endpoint = self._endpoints[key]
        seen = self._seen.get(key) or self._seen.get(endpoint, set())
        by_kind = [[spot for spot in seen if spot[0] == kind] for kind in ("line", "function")]
        for spots in (*by_kind, [("endpoint", endpoint)], [None]):
            found = [one for spot in spots if (one := self._last(spot, key, ended)) is not None]
            if found:
                return max(found)[1]
        return -1

    def _last(self, spot: Any, key: str, ended: float) -> tuple[float, int, str] | None:
        ended_calls = self._broken.get(spot, [])
        until = bisect_right(ended_calls, ended, key=lambda one: one[0])
        return next((one for one in reversed(ended_calls[:until]) if one[2] != key), None)

    def _show(self, key: str, place: list[Any]) -> None:
        spots = self._spots(key, place)
        for name in (key, self._endpoints.get(key)):
            self._seen.setdefault(str(name), set()).update(spots)

    def _spots(self, key: str, place: list[Any]) -> list[tuple[Any, ...]]:
        file, line, function = place
        endpoint = ("endpoint", self._endpoints.get(key))
        return [("line", file, line), ("function", file, function), endpoint] if isinstance(file, str) else [endpoint]


def told(rows: pd.DataFrame, faults: pd.DataFrame, calls: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """The requests with `after` (a kind, "" for others) and `because` (the fault's place in `faults`, else -1).

    Such a request belongs neither to the control group nor to those that met one fault alone (`rule` is "+").
    """
    after = np.full(len(rows), "", dtype=object)
    because = np.full(len(rows), -1, dtype=np.int64)
    causes = _faults(faults)
    if any(len(places) for places in causes.places.values()):
        acted = set(faults.loc[~_unable(faults) & (faults["fault"] != "stale_connections"), "key"])
        failed = np.flatnonzero(~rows["ok"].to_numpy(bool) & ~among(rows["key"], acted))
        found = _kinds(rows.iloc[failed], calls, answers)
        started = rows["started"].to_numpy(float)
        ended = started + np.nan_to_num(rows["response_ms"].to_numpy(float)) / 1000
        got = _checkouts(calls, rows["key"].iloc[failed]) if "stale" in found else {}
        poison = _Poison(rows, causes, calls, answers) if "poisoned" in found else None
        for place, kind in zip(failed.tolist(), found, strict=True):
            key = str(rows["key"].iat[place])
            if poison is not None and kind == "poisoned":
                event = poison.left_by(key, ended[place])
            else:
                event = causes.before(kind, started[place], ended[place]) if kind else -1
            if event >= 0:
                cut = kind == "stale" and causes.meanwhile(got.get(key, started[place]), ended[place], key)
                after[place], because[place] = "cut" if cut else kind, event
    hit = because >= 0
    control, rule = rows["control"].to_numpy(bool) & ~hit, rows["rule"].mask(pd.Series(hit, index=rows.index), "+")
    return rows.assign(control=control, rule=rule, after=pd.Series(after, index=rows.index), because=because)


def _failed(table: pd.DataFrame, *names: str) -> Iterable[tuple[Any, ...]]:
    """The key, the error and the place of those that have an error, and what else is asked for."""
    chosen = table.loc[table["error"].notna(), ["key", "error", "file", "line", "function", *names]]
    return zip(*(chosen[name].tolist() for name in chosen.columns), strict=True)


def _unable(faults: pd.DataFrame) -> pd.Series[bool]:
    """Faults that could not act, for the connection was broken already."""
    did = [one.get("did") if isinstance(one, dict) else None for one in faults["measured"]]
    return pd.Series(did, index=faults.index, dtype=object) == "unsupported"


def _checkouts(calls: pd.DataFrame, keys: pd.Series[str]) -> dict[str, float]:
    """When each of these requests last asked a pool for a connection."""
    chosen = calls[among(calls["key"], set(keys)) & calls["target"].astype(str).str.startswith("CHECKOUT ")]
    return {str(key): float(at) for key, at in chosen.groupby("key")["started"].max().items()}


def _faults(faults: pd.DataFrame) -> _Faults:
    order = faults.reset_index(drop=True)
    able = (order["seam"] == "database") & ~_unable(order)
    kinds = [one.get("kind") if isinstance(one, dict) else None for one in order["asked"]]
    disconnects = (order["fault"] == "statement_error") & (pd.Series(kinds, dtype=object) == "disconnect")
    chosen = {
        "poisoned": able & ~order["fault"].isin(("noop", "latency", "pool_exhaustion")),
        "stale": able & ((order["fault"] == "stale_connections") | disconnects),
        "exhausted": able & (order["fault"] == "pool_exhaustion"),
    }
    started = order["started"].to_numpy(float)
    places = {kind: np.flatnonzero(which.to_numpy(bool)) for kind, which in chosen.items()}
    ids = dict(zip(order["id"].iloc[places["poisoned"]].tolist(), places["poisoned"].tolist(), strict=True))
    return _Faults(order, {kind: at[np.argsort(started[at], kind="stable")] for kind, at in places.items()}, ids)


def _kinds(failed: pd.DataFrame, calls: pd.DataFrame, answers: pd.DataFrame) -> list[str]:
    """The kind of each failed request, by the exception that left the app or the errors that its calls met; "" where
    they name none. Requests of which nothing was noted are like those of their endpoint and status that were.
    """
    keys = set(failed["key"])
    kinds: dict[str, str] = {}
    noted = set(answers.loc[among(answers["key"], keys), "key"])
    chosen = calls[among(calls["key"], keys) & calls["error"].notna() & (calls["seam"] == "database")]
    for key, error, target in zip(chosen["key"], chosen["error"], chosen["target"], strict=True):
        noted.add(key)
        kinds[key] = kinds.get(key) or _of_call(str(error), str(target))
    chosen = answers[among(answers["key"], keys) & answers["error"].notna()]
    for key, error, text in zip(chosen["key"], chosen["error"], chosen["error_text"], strict=True):
        kinds[key] = _of_error(str(error), str(text)) or (kinds.get(key, "") if error in _BROKEN else "")
    ends = [(key, (endpoint, status)) for key, endpoint, status in failed[["key", "endpoint", "status"]].to_numpy()]
    usual = _usual((end, kinds.get(key, "")) for key, end in ends if key in noted)
    return [kinds.get(key, "") if key in noted else usual.get(end, "") for key, end in ends]


def _of_call(error: str, target: str) -> str:
    if error in _POISONED:
        return "poisoned"
    if error in (*_DEAD, *_BROKEN):
        return "stale"
    return "exhausted" if error == "TimeoutError" and target.startswith("CHECKOUT") else ""


def _of_error(error: str, text: str) -> str:
    if error in _POISONED or _ABORTED.search(text):
        return "poisoned"
    if error in _DEAD or _GONE.search(text):
        return "stale"
    return "exhausted" if error == "TimeoutError" and text.startswith("QueuePool") else ""


def _usual(told: Iterable[tuple[Any, str]]) -> dict[Any, str]:
    """The kind of each end of which enough were noted, all of one kind."""
    known: dict[Any, list[str]] = {}
    for end, kind in told:
        known.setdefault(end, []).append(kind)
    return {end: kinds[0] for end, kinds in known.items() if len(kinds) >= _ALIKE and len(set(kinds)) == 1}
