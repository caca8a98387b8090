"""Where the same code differs from itself: what two arms that had the same code, requests and faults came to.

Nothing here looks at a change, so what is left out by it is not chosen by what a change came to.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from chaos_analysis import tables
from chaos_analysis.effect import gates
from chaos_analysis.effect.pairing import pair
from chaos_analysis.outcomes.places import name_calls
from chaos_analysis.rundir import open_run
from chaos_analysis.stats.paired import mcnemar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pandas as pd

    from chaos_analysis.effect.pairing import Pairing

_SIGNIFICANT = 0.05
_MOST = 0.5  # of the requests: where more of them differ it is not these endpoints that are to blame
_OWN = 5  # calls under a name that the other arm does not have at all, while it has one that this one has not


def apart(base: Path, again: Path, blocks: Mapping[str, int] | None = None) -> dict[str, str]:
    """The endpoints on which two runs of the same code differ, with how: by failures, or by calls that `again` makes
    less often.
    """
    return dict(_endpoints(pair(base, again, blocks)))


def rest(base: Path, again: Path, blocks: Mapping[str, int] | None = None) -> dict[str, str]:
    """The same; none where they have more than half of the requests, so that the rest would speak for too few."""
    found = pair(base, again, blocks)
    told = dict(_endpoints(found))
    return told if found.rows["endpoint"].isin(list(told)).mean() <= _MOST else {}


def _endpoints(found: Pairing) -> Iterator[tuple[str, str]]:
    less = {
        endpoint: f"{fewer.name}: {fewer.other or 'never'} instead of {fewer.base} times"
        for fewer in reversed(gates.fewer(found))
        for endpoint in found.rows.loc[found.rows["key"].isin(_keys(found, fewer)), "endpoint"].unique()
    }
    for endpoint, rows in found.rows.groupby("endpoint"):
        rescued, broken = rows[~rows["ok_base"] & rows["ok_other"]], rows[rows["ok_base"] & ~rows["ok_other"]]
        if mcnemar(_iterations(rescued), _iterations(broken)) < _SIGNIFICANT:
            yield str(endpoint), f"{len(rescued)} rescued, {len(broken)} newly broken"
        elif endpoint in less:
            yield str(endpoint), less[endpoint]


def _keys(found: Pairing, fewer: gates.Fewer) -> set[str]:
    calls = found.calls
    return set(calls.loc[(calls["seam"] == fewer.seam) & (calls["dependency"] == fewer.dependency), "key"])


def _iterations(rows: pd.DataFrame) -> int:
    return int(rows["key"].astype(str).str.rsplit(".", n=1).str[0].nunique())


def own_names(base: Path, again: Path) -> list[tuple[str, str]]:
    """Calls that each of two runs of the same code makes under a name that the other does not have, in pairs; the runs
    need not be over. Such calls meet other faults in each of them, however long they last.
    """
    sides = [tables.build(open_run(folder)).calls for folder in (base, again)]
    names = name_calls(*sides)
    made = [
        (calls["seam"].astype(str) + " " + named["dependency"]).value_counts()
        for calls, named in zip(sides, names, strict=True)
    ]
    own, others = (
        [str(name) for name, n in mine.items() if n >= _OWN and name not in other.index]
        for mine, other in (made, made[::-1])
    )
    return [(name, alike[0]) for name in own if (alike := _alike(name, others))]


def _alike(name: str, others: list[str]) -> list[str]:
    """Those of the same seam and verb, the most alike first."""
    kind = name.split()[:2]
    found = [other for other in others if other.split()[:2] == kind]
    return sorted(found, key=lambda other: -SequenceMatcher(None, name, other).ratio())
