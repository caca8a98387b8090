"""Failures put down to faults at outbound calls, one group a call site."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chaos_analysis.outcomes.places import dependency
from chaos_analysis.patterns import _words
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Estimate, Site
    from chaos_analysis.model import Evidence as Tier


class Group(NamedTuple):
    """One call site: failed requests, events, and how requests that met only this fared against those with no fault."""

    name: str
    site: Site | None
    target: str
    failed: pd.DataFrame
    events: pd.DataFrame
    alone: Estimate
    control: Estimate
    q: float | None

    @property
    def met(self) -> int:
        """How many requests met a fault here, alone or with others."""
        return int(self.events["key"].nunique())


def groups(evidence: Evidence, cause: str) -> Iterator[Group]:
    """The call sites with proven failures of this cause; where the ledger names none, seams and whom they call."""
    failed = evidence.causes
    failed = failed[(failed["cause"] == cause) & failed["proven"]]
    failed = failed.fillna({"file": "", "line": -1.0, "function": ""}).assign(called=_called(failed))
    for _, rows in failed.groupby(["file", "line", "function", "called"], sort=True):
        first = rows.iloc[0]
        here = _words.site(first["file"] or None, first["line"], first["function"])
        yield _group(evidence, rows, here)


def _called(rows: pd.DataFrame) -> list[str]:
    """Of faults without a call site the seam and whom it calls, else ""."""
    named = zip(rows["file"], rows["seam"], rows["target"], strict=True)
    return ["" if isinstance(f, str) else f"{seam} {_words.service(dependency(str(to)))}" for f, seam, to in named]


def _group(evidence: Evidence, failed: pd.DataFrame, here: Site | None) -> Group:
    faults = evidence.tables.faults
    events = faults[faults["rule"].isin(failed["rule"].unique()) & (faults["seam"] != "wsgi")]
    if here is not None:
        events = events[(events["file"] == here.file) & (events["line"] == here.line)]
    else:
        events = events[np.isin(_called(events), failed["called"].iloc[0])]
    target = _words.grouped(events["target"]) or ""
    met = evidence.met(events["key"])
    sole = met[met["rule"].isin(failed["rule"].unique())]
    names = set(failed["endpoint"])
    control = evidence.control[evidence.control["endpoint"].isin(names)]
    pairs = zip(failed["endpoint"], failed["rule"], strict=True)
    qs = [q for pair in dict.fromkeys(pairs) if (q := evidence.q("fault", *pair)) is not None]
    name = f"{here.file}:{here.function}" if here else target
    return Group(name, here, target, failed, events, _rate(sole), _rate(control), min(qs, default=None))


def _rate(rows: pd.DataFrame) -> Estimate:
    return proportion(int((~rows["ok"]).sum()), len(rows))


def tier(failed: pd.DataFrame) -> Tier:
    """By which tier most of these failures are tied to their faults; the model's only where nothing else shows any."""
    if (failed["tier"] == "direct").mean() > 0.5:
        return "direct"
    return "model" if (failed["tier"] == "model").all() else "causal"


def outcomes(group: Group, evidence: Evidence) -> tuple[tuple[str, str], ...]:
    """For each type of fault, how many of the requests that met it here failed, and not by it for all that is shown."""
    found = []
    for fault, events in group.events.groupby("fault"):
        met = evidence.met(events["key"])
        failed, by_it = int((~met["ok"]).sum()), int((group.failed["fault"] == fault).sum())
        others = f", {failed - by_it} of them not shown to be by it" if failed > by_it else ""
        found.append((str(fault), f"{failed} of {len(met)} requests that met it failed{others}"))
    return tuple(found)
