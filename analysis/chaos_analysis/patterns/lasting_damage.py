"""Content that stays damaged after the faults have ended: a cache that keeps a bad answer, a record half written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from chaos_analysis import wording
from chaos_analysis.evidence import BETWEEN_STAGES
from chaos_analysis.model import Pattern
from chaos_analysis.patterns import _words
from chaos_analysis.patterns._before import Before
from chaos_analysis.patterns._onsets import blamed, onsets
from chaos_analysis.stats import adjusted, fisher, proportion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Estimate
    from chaos_analysis.patterns._onsets import Onset


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern an endpoint; only requests that met no fault count, and answers that the client took for right."""
    before = Before(evidence)
    lacking = pd.Series(before.lacking(before.rows), index=before.rows.index, dtype=object)
    told = before.rows.assign(lacking=lacking)[lacking.notna()]
    after = told[told["control"] & (told["stage"] == "recovery")]
    groups = [(str(name), rows, before.odd(str(name))) for name, rows in after.groupby("endpoint", sort=True)]
    qs = adjusted([fisher(len(_damaged(rows)), len(rows), *odd) for _, rows, odd in groups])
    for (endpoint, rows, odd), q in zip(groups, qs, strict=True):
        if q >= BETWEEN_STAGES:
            continue
        hits, here = _damaged(rows), told[told["endpoint"] == endpoint]
        marked = before.marked(hits)
        began = onsets(evidence, hits, here["lacking"])
        rules = blamed(evidence, began, plain=not marked and not _is_over(rows))
        if rules:
            since = here[here["started"] >= before.ended]
            yield _pattern(evidence, since, began, rules, baseline=proportion(*odd), q=q, marked=marked)


def _damaged(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["lacking"] != ""]


def _is_over(rows: pd.DataFrame) -> bool:
    """Whether every address has come to answer as before."""
    last = rows.sort_values("started", kind="stable").drop_duplicates("path", keep="last")
    return not len(_damaged(last))


def _pattern(
    evidence: Evidence, here: pd.DataFrame, began: Sequence[Onset], rules: frozenset[str], *,
    baseline: Estimate, q: float, marked: bool,
) -> Pattern:  # fmt: skip
    free = here[here["control"]]
    rows, between = free[free["stage"] == "recovery"], free[free["stage"] != "recovery"]
    hits, over, endpoint = _damaged(rows), _is_over(rows), str(here["endpoint"].iloc[0])
    what, of = hits["lacking"].value_counts(), f"{wording.count(len(hits))} of {wording.count(len(rows))}"
    start = evidence.recovery["started"].min()
    last = float((hits["started"] + hits["response_ms"] / 1000).max() - start)
    until = "" if over else ", to the end of what was observed"
    by_fault = [one for one in began if one.rules & rules]
    names = _words.listed(sorted(rules))
    faults = evidence.tables.faults
    faults = faults[faults["key"].isin([one.key for one in by_fault]) & faults["rule"].isin(rules)]
    places = faults[["file", "line", "function"]].value_counts()
    site = _words.site(*places.index[0]) if len(places) == 1 else None
    return Pattern(
        id=f"lasting_damage:{endpoint}",
        finder="lasting_damage",
        title=f"{endpoint} stays damaged after the faults have ended: {what.index[0]} ({of} answers)",
        summary=(
            f"{wording.estimate(proportion(len(hits), len(rows)))} of its answers after the last fault lacked what "
            "answers to the same address, or all of the endpoint, had before the first one "
            f"({wording.estimate(baseline)} then), though these requests met none. It began with a request that met "
            f"{names} at {len(by_fault)} of {len(began)} addresses: something keeps what came of the fault, as a cache "
            "does, or a record that is half written."
        ),
        evidence="observed",
        severity="medium" if over or marked else "high",
        endpoint=endpoint,
        failures=0,  # the client took them for right
        rate=proportion(len(hits), len(rows)),
        baseline=baseline,
        p_value=q,
        rules=tuple(sorted(rules)),
        faults=tuple(sorted(faults["fault"].unique())),
        seam=str(faults["seam"].iloc[0]) if len(faults) else None,
        target=_words.grouped(faults["target"]),
        site=site,
        facts=(
            ("what is gone", _words.endpoints(what)),
            ("addresses", f"{hits['path'].nunique()} of {rows['path'].nunique()}"),
            ("last such answer", f"{wording.seconds(last)} after the faults ended{until}"),
            ("before that, without a fault", f"{len(_damaged(between))} of {len(between)} since the first fault"),
        ),
        keys=_words.keys([*(one.key for one in by_fault[:1]), *hits["key"]]),
    )
