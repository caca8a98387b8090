"""What a fault takes from the app for good: connections, descriptors or threads that are not given back after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chaos_analysis import held, wording
from chaos_analysis.model import Pattern
from chaos_analysis.patterns import _words
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.held import Held

_MOST = 3.0  # of them for each event: an attempt and two repetitions may each leave one behind
_PLACE = ["rule", "file", "line", "function"]


def find(evidence: Evidence) -> Iterator[Pattern]:
    """At most one pattern, of what says most: connections to somebody rather than descriptors, of which each is one."""
    calm, last = held.split(evidence)
    if calm.empty or last.empty:
        return
    few = held.pooled(last)
    grown = [one for one in held.counts(calm, last) if one.grown > few and not _by_itself(one, few, evidence)]
    for one in sorted(grown, key=lambda one: (not one.name.startswith("connections"), -one.grown)):
        places = _places(evidence, one.grown, few)
        if len(places):
            yield _pattern(evidence, one, places)
            return


def _by_itself(one: Held, few: int, evidence: Evidence) -> bool:
    """Whether it rose before any fault, beyond what pools keep, by half as much for each request: then it rises with
    requests and not with faults.
    """
    before, later = len(evidence.baseline), len(evidence.rows) - len(evidence.baseline)
    return before > 0 and max(0, one.rose - few) / before >= 0.5 * one.grown / max(later, 1)


def _places(evidence: Evidence, grown: int, few: int) -> pd.Series[int]:
    """The rules and lines of faults at calls, with their events, that are as many as the growth could be of."""
    faults = evidence.tables.faults
    acted = faults[(faults["fault"] != "noop") & ~faults["seam"].isin(["wsgi", "process"]) & faults["file"].notna()]
    events = acted[_PLACE].value_counts()
    return events[(events * held.SHARE_OF_EVENTS < grown) & (events * _MOST + few >= grown)]


def _pattern(evidence: Evidence, one: Held, places: pd.Series[int]) -> Pattern:
    faults = evidence.tables.faults
    at: Any = places.index
    rules = tuple(sorted({str(rule) for rule, *_ in at}))
    site = _words.site(*at[0][1:]) if len({tuple(where) for _, *where in at}) == 1 else None
    met = faults[faults["rule"].isin(rules)]
    events, more = int(places.sum()), f"{wording.count(one.grown)} more {one.name}"
    where = f" at {site}" if site else ""
    keys = set(met["key"])
    failed = evidence.rows[evidence.rows["key"].isin(keys) & ~evidence.rows["ok"]]
    return Pattern(
        id=f"resource_leak:{one.name.partition(' ')[0]}" + (f":{site.file}:{site.function}" if site else ""),
        finder="resource_leak",
        title=f"{more} after {wording.plural(events, 'fault')}{where}: they are not given back",
        summary=(
            f"The app held {wording.count(one.before)} {one.name} at most before the first fault and "
            f"{wording.count(one.after)} when all was over, {one.grown / events:.1f} more for each of the "
            f"{wording.plural(events, 'fault')} of {_words.listed(rules)}{where}: what the call had taken is not "
            "closed where it fails. When the limit of the process or of the other side is reached, everybody fails."
        ),
        evidence="observed",
        severity="high",
        endpoint=None,
        failures=0,  # of none of those that failed is it the cause
        rate=proportion(len(failed), len(keys)),
        baseline=proportion(int((~evidence.control["ok"]).sum()), len(evidence.control)),
        rules=rules,
        faults=tuple(sorted(met["fault"].unique())),
        seam=str(met["seam"].iloc[0]),
        target=_words.grouped(met["target"]),
        site=site,
        facts=(
            (one.name, f"{wording.count(one.before)} → {wording.count(one.after)}"),
            ("faults", wording.count(events)),
        ),
        keys=_words.keys(met["key"]),
    )
