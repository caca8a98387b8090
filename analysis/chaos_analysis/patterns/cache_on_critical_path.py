"""A cache in trouble that fails the request, though what it keeps can be had without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.patterns import _lacks, _words

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Estimate, Pattern

_TROUBLE = ("connect_timeout", "connection_refused", "connection_reset", "garbage_body", "read_timeout")
_HARM = ("propagated", "lost", "hung")
_WELL = ("handled", "retried", "degraded")
_READS = ("GET", "MGET", "HGET", "HMGET", "HGETALL", "LRANGE", "SMEMBERS")
_WRITES = ("SET", "SETEX", "PSETEX", "MSET", "HSET", "HMSET")
_OFTEN = 3  # requests that show it each way, before a value counts as one that can be had without the cache
_TELLS = (429, 502, 503, 504)


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site, of keys that the run shows to be had without the cache."""
    table = evidence.outcomes
    chosen = (table["seam"] == "cache") & table["fault"].isin(_TROUBLE)
    if not (chosen & table["outcome"].isin(_HARM)).any():
        return
    kept = _had_without(evidence)
    chosen &= table["dependency"].map(_keys).isin(kept)
    for events in _lacks.by_site(evidence, chosen):
        hits = events.rows[events.rows["outcome"].isin(_HARM)]
        rate = _lacks.share(hits, events)
        if rate is not None:
            yield _pattern(events, hits, rate)


def _pattern(events: _lacks.Events, hits: pd.DataFrame, rate: Estimate) -> Pattern:
    told = bool(hits["status"].isin(_TELLS).all() and hits["left_error"].isna().all())
    of = f"{wording.count(len(hits))} of {wording.count(len(events.rows))}"
    names = _words.listed(hits["endpoint"].value_counts().index)
    called = _words.grouped(hits["dependency"]) or events.target
    return _lacks.pattern(
        "cache_on_critical_path",
        events,
        hits,
        rate,
        title=f"A cache in trouble fails {names} ({of}), which can be answered without it",
        summary=(
            f"When {called} fails at {events.site} ({_words.listed(sorted(hits['fault'].unique()))}), the request "
            f"fails: {of}. Where the key is missing, the same endpoint gets the value from its source and is right."
        ),
        severity="low" if told else _words.severity(rate),
        facts=(("answers", _words.listed(str(int(status)) for status in hits["status"].dropna().unique())),),
    )


def _keys(dependency: str) -> str:
    """Host and key of a command, without its name."""
    return dependency.partition(" ")[2]


def _verb(dependency: str) -> str:
    return dependency.partition(" ")[0]


def _had_without(evidence: Evidence) -> frozenset[str]:
    """The keys of which the run shows that a request is right without them."""
    table = evidence.outcomes
    missed = table[(table["fault"] == "cache_miss") & table["alone"] & table["outcome"].isin(_WELL)]
    counts = missed["dependency"].map(_keys).value_counts()
    return frozenset(counts[counts >= _OFTEN].index) | _filled(evidence)


def _filled(evidence: Evidence) -> frozenset[str]:
    """Keys that fault-free requests fill from elsewhere where they are missing: some that went well only read the key,
    others read it, asked somebody else, and wrote it. What is written each time (a counter, a session) is not such.
    """
    calls, rows = evidence.tables.calls, evidence.tables.requests
    at = evidence.call_rows
    good = (rows["ok"] & rows["control"]).to_numpy(bool)[at] & (at >= 0) if len(rows) else at >= 0
    table = calls[["key", "seam", "started"]].assign(name=evidence.call_names[1]["dependency"].to_numpy())
    table = table[good & calls["error"].isna().to_numpy()].sort_values("started", kind="stable")
    verbs = table["name"].map(_verb)
    cached = table["seam"] == "cache"
    table = table.assign(item=table["name"].map(_keys), reads=cached & verbs.isin(_READS))
    table["writes"] = cached & verbs.isin(_WRITES)
    pair = ["key", "item"]
    read = table[table["reads"]].groupby(pair)["started"].min().rename("read").reset_index()
    wrote = table[table["writes"]].groupby(pair)["started"].max().rename("wrote").reset_index()
    both = read.merge(wrote, on=pair, how="left")
    asked = both.merge(table.loc[~cached, ["key", "started"]], on="key")
    filled = asked[asked["started"].between(asked["read"], asked["wrote"])].drop_duplicates(pair)
    hits = both[both["wrote"].isna()]["item"].value_counts()
    fills = filled["item"].value_counts()
    return frozenset(hits[hits >= _OFTEN].index) & frozenset(fills[fills >= _OFTEN].index)
