"""Judges runs of other seeds: the requests of the one side have nothing to do with those of the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from chaos_analysis import tables
from chaos_analysis.compare.latency import latencies
from chaos_analysis.compare.model import Group
from chaos_analysis.compare.paired import ALL
from chaos_analysis.compare.unpaired import Counts, judge
from chaos_analysis.effect.hollow import hollow
from chaos_analysis.evidence import Evidence, read_experiment
from chaos_analysis.model import Estimate
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from chaos_analysis.compare.paired import Name
    from chaos_analysis.compare.unpaired import Judged
    from chaos_analysis.rundir import RunDir

_COLUMNS = ["endpoint", "rule", "ok", "response_ms"]
NO_TIMES = Estimate(None, None, None, 0, "ratio")


def groups(base: Sequence[RunDir], other: Sequence[RunDir]) -> tuple[Group, ...]:
    """All groups of runs that cannot be paired."""
    sides = [[_evidence(run) for run in side] for side in (base, other)]
    before, after = (
        pd.concat([_rows(run, beside) for run in side], ignore_index=True)
        for side, beside in zip(sides, reversed(sides), strict=True)
    )
    chosen = {name: (rows, _like(name, after)) for name, rows in _split(before, after)}
    counts = {name: Counts(*_counts(rows), *_counts(then)) for name, (rows, then) in chosen.items()}
    return tuple(_group(name, counts[name], judged, chosen[name]) for name, judged in named(counts).items())


def named(counts: Mapping[Name, Counts]) -> dict[Name, Judged]:
    """Judge groups that have a kind and a name."""
    judged = judge({" ".join(name): each for name, each in counts.items()})
    return {name: judged[" ".join(name)] for name in counts}


def group(name: Name, counts: Counts, judged: Judged) -> Group:
    """A group whose latencies nobody knows."""
    return Group(
        kind=name[0],
        name=name[1],
        verdict=judged.verdict,
        reason=judged.reason,
        need=judged.need,
        requests=(counts.n, counts.n_after),
        before=proportion(counts.failed, counts.n),
        after=proportion(counts.failed_after, counts.n_after),
        difference=judged.difference,
        rescued=None,
        broken=None,
        p_value=judged.p_value,
        useful=NO_TIMES,
        useful_p=None,
    )


def _group(name: Name, counts: Counts, judged: Judged, rows: tuple[pd.DataFrame, pd.DataFrame]) -> Group:
    times = (side.loc[side["served"], "response_ms"].to_numpy(float) for side in rows)
    return replace(group(name, counts, judged), latencies=latencies(*times))


def _evidence(run: RunDir) -> Evidence:
    return Evidence(tables.build(run), read_experiment(run.experiment)[0], run.run)


def _rows(run: Evidence, beside: Sequence[Evidence]) -> pd.DataFrame:
    """A run's requests; answers that are good in appearance only are not `ok`, but `served`."""
    rows = run.tables.requests[_COLUMNS]
    return rows.assign(served=rows["ok"], ok=rows["ok"].to_numpy(bool) & ~hollow(run, *beside))


def _split(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[tuple[Name, pd.DataFrame]]:
    yield ALL, before
    for endpoint in sorted({*before["endpoint"], *after["endpoint"]}):
        yield ("endpoint", endpoint), before[before["endpoint"] == endpoint]
    for rule in sorted({*before["rule"], *after["rule"]} - {"", "+"}):
        yield ("rule", rule), before[before["rule"] == rule]


def _like(name: Name, rows: pd.DataFrame) -> pd.DataFrame:
    return rows if name == ALL else rows[rows[name[0]] == name[1]]


def _counts(rows: pd.DataFrame) -> tuple[int, int]:
    return int((~rows["ok"]).sum()), len(rows)
