"""One call an item, one after the other: the request takes as long as all of them, and fails where any of them does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chaos_analysis import wording
from chaos_analysis.model import Pattern
from chaos_analysis.patterns import _lacks, _words
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence

_MANY = 5  # different calls of one line in one request
_SEAMS = ("database", "http_client")
_OVERLAP = 0.0005  # seconds; what two readings of the clock may differ by


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site, endpoint and dependency, by requests that met no fault: others may have been cut short.

    A line may also make other calls, such as the query for the list whose items are asked for one by one.
    """
    fans = _fans(evidence)
    for (*place, _), rows in fans.groupby(["file", "line", "function", "endpoint", "dependency"], sort=True):
        hits = rows[(rows["calls"] >= _MANY) & rows["serial"]]
        share = proportion(len(hits), len(rows))
        if len(hits) >= _lacks.LEAST and (share.low or 0.0) > 0.5:
            yield _pattern(place, rows, hits, evidence)


def _fans(evidence: Evidence) -> pd.DataFrame:
    """A row for each request without a fault, call site and dependency: how many different calls, how long they took,
    and whether they were made one after the other.
    """
    known = evidence.call_rows >= 0
    rows = evidence.rows.iloc[evidence.call_rows[known]]
    table = evidence.tables.calls[known].assign(
        dependency=evidence.call_names[1].loc[known, "dependency"].to_numpy(),
        endpoint=rows["endpoint"].to_numpy(),
        control=rows["control"].to_numpy(),
    )
    chosen = table["seam"].isin(_SEAMS) & table["file"].notna() & table["control"]
    calls = table[chosen].sort_values("started", kind="stable")
    group = ["key", "file", "line", "function", "dependency", "endpoint", "seam"]
    before = (calls["started"] + calls["seconds"]).groupby([calls[name] for name in group]).shift()
    calls["serial"] = ~(calls["started"] < before - _OVERLAP)
    calls["asked"] = calls["target"] + " " + calls["values"].fillna("")
    fans = calls.groupby(group).agg(calls=("asked", "nunique"), seconds=("seconds", "sum"), serial=("serial", "all"))
    return fans.reset_index()


def _pattern(place: Any, rows: pd.DataFrame, hits: pd.DataFrame, evidence: Evidence) -> Pattern:
    *where, endpoint = place
    site = _words.site(*where)
    target = str(hits["dependency"].iloc[0])
    service, usual, most = (
        _words.other_side(target, str(hits["seam"].iloc[0])),
        int(hits["calls"].median()),
        int(hits["calls"].max()),
    )
    failed = _failed(place, evidence)
    chaos = evidence.chaos[evidence.chaos["endpoint"] == endpoint]
    control = evidence.control[evidence.control["endpoint"] == endpoint]
    of = f"{wording.count(len(hits))} of {wording.count(len(rows))} requests"
    together = wording.seconds(float(hits["seconds"].median()))
    return Pattern(
        id=f"n_plus_one:{where[0]}:{where[2]}:{target}:{endpoint}",
        finder="n_plus_one",
        title=f"{endpoint} calls {service} {usual} times, one after the other ({of})",
        summary=(
            f"{site} makes {target} {usual} times in the median and {most} at most, each time for another one and when "
            f"the last is done: {together} in the median request. Times add up, and so do chances to fail: were 1 % of "
            f"the calls to fail, {wording.percent(1 - 0.99**usual)} of the requests would meet one."
        ),
        evidence="direct",
        severity="medium",
        endpoint=str(endpoint),
        failures=failed["key"].nunique(),
        rate=proportion(failed["key"].nunique(), len(chaos)),
        baseline=proportion(int((~control["ok"]).sum()), len(control)),
        rules=tuple(sorted(failed["rule"].unique())),
        faults=tuple(sorted(failed["fault"].unique())),
        seam=str(hits["seam"].iloc[0]),
        target=target,
        site=site,
        facts=(
            ("calls of a request", f"{usual} in the median, {most} at most"),
            ("they take together", f"{together} in the median"),
            ("made one after the other in", of),
        ),
        keys=_words.keys(hits["key"]),
    )


def _failed(place: Any, evidence: Evidence) -> pd.DataFrame:
    """The events at this line that failed a request of this endpoint, and were the only one that it met."""
    file, line, _, endpoint = place
    events = evidence.outcomes
    here = (events["file"] == file) & (events["line"] == line) & (events["endpoint"] == endpoint)
    failed: pd.DataFrame = events[here & events["alone"] & events["row"] & (events["ok"] == False)]  # noqa: E712 - may be None
    return failed
