"""Where damage began, address by address, and whether that was with a fault rather than with the load's own doing."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chaos_analysis.evidence import BETWEEN_STAGES
from chaos_analysis.stats import adjusted
from chaos_analysis.tables.keys import among
from chaos_analysis.tables.windows import of_windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from chaos_analysis.evidence import Evidence

_READS = ("GET", "HEAD", "OPTIONS")


class Onset(NamedTuple):
    """The first request to an address after the last answer there that lacked nothing, or the first of all (`new`)."""

    key: str
    endpoint: str
    started: float
    rules: frozenset[str]
    new: bool


def onsets(evidence: Evidence, hits: pd.DataFrame, lacking: pd.Series[str]) -> list[Onset]:
    """One for each address of these damaged answers, in order of time; `lacking` has what each answer of the endpoint
    lacks, by its row. Those that came when contents were no more taken are left out: nobody knows what came before.
    """
    rows = evidence.tables.requests
    (endpoint,) = hits["endpoint"].unique()
    there = rows[among(rows["path"], set(hits["path"]))].sort_values("started", kind="stable")
    blind = rows[(rows["endpoint"] == endpoint) & rows["control"] & rows["ok"] & rows["content"].isna()]
    until = blind.groupby("stage")["started"].min().to_dict()
    first = hits.sort_values("started", kind="stable").drop_duplicates("path")
    found = []
    for path, place in zip(first["path"], first.index, strict=True):
        here = there[(there["path"] == path).to_numpy()]
        earlier = here.iloc[: int(np.flatnonzero(here.index == place)[0]) + 1]
        whole = np.flatnonzero(lacking.reindex(earlier.index).to_numpy() == "")
        at = int(whole[-1]) + 1 if len(whole) else 0
        one = earlier.iloc[at]
        if not len(whole) or one["started"] < until.get(one["stage"], np.inf):
            met = frozenset(map(str, one["rules"]))
            found.append(Onset(one["key"], one["endpoint"], one["started"], met, new=not len(whole)))
    return sorted(found, key=lambda one: one.started)


def blamed(evidence: Evidence, found: Sequence[Onset], *, plain: bool) -> frozenset[str]:
    """The rules with whose faults damage began at so many addresses that it is no chance; empty where it may be.

    Which requests meet a fault is drawn (but for those of a window, which all do), so what the load or the time does
    falls together with one no more often than requests meet any. Where that cannot be told from few addresses, nobody
    wrote, and it is `plain` (it lasts and marks itself in no way), it is enough that the first of all began so.
    """
    undrawn = frozenset(of_windows(evidence.tables.faults)["rule"])
    every = frozenset().union(*(one.rules for one in found)) - undrawn
    sets = [frozenset((rule,)) for rule in sorted(every)] + ([every] if len(every) > 1 else [])
    qs = adjusted([_by_chance(evidence, found, rules) for rules in sets])
    shown = [rules for rules, q in zip(sets, qs, strict=True) if q < BETWEEN_STAGES]
    if shown:
        return frozenset().union(*(rules for rules in shown if len(rules) == 1)) or every
    reads = evidence.tables.requests["method"].isin(_READS).all()
    return found[0].rules if found and plain and reads else frozenset()


def _by_chance(evidence: Evidence, found: Sequence[Onset], rules: frozenset[str]) -> float:
    """How likely at least so many of these would have met one of the rules without being caused by it.

    Before a change for another reason, an answer may have lacked the same by its own fault: then either that or the
    first one after the change met one.
    """
    share = _share(evidence, {one.endpoint for one in found}, rules)
    chances = [share if one.new else 1 - (1 - share) ** 2 for one in found]
    counts = reduce(np.convolve, [np.array([1 - chance, chance]) for chance in chances])
    return float(counts[sum(not rules.isdisjoint(one.rules) for one in found) :].sum())


def _share(evidence: Evidence, endpoints: set[str], rules: frozenset[str]) -> float:
    """How many of those that could meet such a fault did, in the stage where most did; 1 where nobody knows."""
    rows = evidence.chaos[evidence.chaos["endpoint"].isin(endpoints)]
    hit = np.fromiter((not rules.isdisjoint(met) for met in rows["rules"]), dtype=bool, count=len(rows))
    reached = evidence.tables.reached
    came = np.fromiter((not rules.isdisjoint(plan) for plan in reached["rules"]), dtype=bool, count=len(reached))
    if not len(reached):
        return 1.0
    could = among(rows["key"], set(reached.loc[came, "key"])) if came.any() else np.ones(len(rows), dtype=bool)
    shares = rows.assign(hit=hit)[could | hit].groupby("stage")["hit"].mean()
    return float(shares.max()) if len(shares) else 1.0
