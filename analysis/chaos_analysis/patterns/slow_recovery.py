"""Errors or slow answers that go on after the faults have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chaos_analysis import wording
from chaos_analysis.evidence import BETWEEN_STAGES
from chaos_analysis.model import Pattern
from chaos_analysis.neighbours import crowded
from chaos_analysis.patterns import _words
from chaos_analysis.stats import fisher, proportion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.evidence import Evidence

_SLOW = 2.0  # times the baseline's 99th percentile
_LAST = 3  # bad ones in a row, where at most a tenth are so before: by chance one time in a thousand
_SELDOM = 0.1
_SUSTAINED = (
    3  # seconds in which most requests were slow: requests of one moment share its fate, and are one observation
)


def find(evidence: Evidence) -> Iterator[Pattern]:
    """At most one pattern: recovery is the whole app's, whichever endpoint shows it."""
    baseline, recovery = _bad(evidence.baseline, evidence), _bad(evidence.recovery, evidence)
    if baseline.empty or recovery.empty:
        return
    bad, before = int(recovery["bad"].sum()), int(baseline["bad"].sum())
    p = fisher(bad, len(recovery), before, len(baseline))
    failures = fisher(int((~recovery["ok"]).sum()), len(recovery), int((~baseline["ok"]).sum()), len(baseline))
    slow = p < BETWEEN_STAGES and _slow_seconds(recovery) >= _SUSTAINED and not crowded(evidence, ["recovery"])
    if failures < BETWEEN_STAGES or slow:
        yield _pattern(baseline, recovery, p, evidence)


def _slow_seconds(recovery: pd.DataFrame) -> int:
    """In how many seconds most of the requests that began were bad."""
    second = (recovery["started"] - recovery["started"].min()).astype(int)
    return int((recovery.groupby(second)["bad"].mean() > 0.5).sum())


def _bad(rows: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    """The rows, with `bad` for those that failed or took far longer than this endpoint does in the baseline."""
    good = evidence.baseline[evidence.baseline["ok"]]
    limits = _SLOW * good.groupby("endpoint")["response_ms"].quantile(0.99)
    limit = rows["endpoint"].map(limits).astype("float64").fillna(np.inf)
    return rows.assign(bad=~rows["ok"] | (rows["response_ms"] > limit))


def _stuck(baseline: pd.DataFrame, recovery: pd.DataFrame) -> list[str]:
    """The endpoints whose last requests are all bad: whether they ever recover the run did not see."""
    before = baseline.groupby("endpoint")["bad"].mean()
    last = recovery.sort_values("started").groupby("endpoint", sort=False).tail(_LAST).groupby("endpoint")["bad"]
    stuck = last.all() & (last.size() == _LAST) & (before.reindex(last.size().index) <= _SELDOM)
    return [str(name) for name in stuck.index[stuck]]


def _pattern(baseline: pd.DataFrame, recovery: pd.DataFrame, p: float, evidence: Evidence) -> Pattern:
    bad = recovery[recovery["bad"]]
    start = recovery["started"].min()
    last = float((bad["started"] + bad["response_ms"] / 1000).max() - start)
    seen = float(recovery["started"].max() - start)
    back = recovery["started"] > bad["started"].max()
    stuck = _stuck(baseline, recovery)
    over = int(back.sum()) > 0 and not stuck
    failures = int((~bad["ok"]).sum())
    after = f"for {wording.seconds(last)}" if over else f"to the end of the {wording.seconds(seen)} observed"
    by_endpoint = bad["endpoint"].value_counts()
    share = f"({len(bad)} of {len(recovery)} requests)"
    title = f"Trouble goes on {after} after the faults ended {share}"
    if stuck:
        names, since = _words.listed(stuck), wording.seconds(seen)
        title = f"{names} had not recovered when the run ended, {since} after the faults {share}"
    return Pattern(
        id="slow_recovery",
        finder="slow_recovery",
        title=title,
        summary=(
            f"After the last fault {wording.estimate(proportion(len(bad), len(recovery)))} of the requests failed or "
            "took more than twice the baseline's p99, "
            f"{wording.estimate(proportion(int(baseline['bad'].sum()), len(baseline)))} in the baseline: "
            f"{'something had to drain first' if over else 'the run ended before the trouble did'}."
        ),
        evidence="observed",
        severity="medium" if over else "high",
        endpoint=str(by_endpoint.index[0]) if len(by_endpoint) == 1 else None,
        failures=failures,
        slow=len(bad) - failures,
        rate=proportion(failures, len(recovery)),
        baseline=proportion(int((~evidence.baseline["ok"]).sum()), len(evidence.baseline)),
        p_value=p,
        facts=(
            ("failed", wording.count(failures)),
            ("slow", wording.count(len(bad) - failures)),
            ("endpoints", _words.endpoints(by_endpoint)),
            *((("not recovered", _ends(recovery, stuck)),) if stuck else ()),
            ("last trouble", f"{wording.seconds(last)} after the faults ended"),
        ),
        keys=_words.keys(bad["key"]),
    )


def _ends(recovery: pd.DataFrame, stuck: list[str]) -> str:
    """How many of the last requests of these endpoints were bad, one after the other."""
    told = []
    for name in stuck:
        bad = recovery[recovery["endpoint"] == name].sort_values("started")["bad"].to_numpy(bool)
        told.append(f"the last {wording.count(int(bad[::-1].cumprod().sum()))} of {name}'s {wording.count(len(bad))}")
    return _words.listed(told)
