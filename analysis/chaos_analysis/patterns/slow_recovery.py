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


def _pattern(baseline: pd.DataFrame, recovery: pd.DataFrame, p: float, evidence: Evidence) -> Pattern:
    bad = recovery[recovery["bad"]]
    start = recovery["started"].min()
    last = float((bad["started"] + bad["response_ms"] / 1000).max() - start)
    seen = float(recovery["started"].max() - start)
    back = recovery["started"] > bad["started"].max()
    over = int(back.sum()) > 0
    failures = int((~bad["ok"]).sum())
    after = f"for {wording.seconds(last)}" if over else f"to the end of the {wording.seconds(seen)} observed"
    by_endpoint = bad["endpoint"].value_counts()
    return Pattern(
        id="slow_recovery",
        finder="slow_recovery",
        title=f"Trouble goes on {after} after the faults ended ({len(bad)} of {len(recovery)} requests)",
        summary=(
            f"After the last fault {wording.estimate(proportion(len(bad), len(recovery)))} of the requests failed or "
            "took more than twice the baseline's p99, "
            f"{wording.estimate(proportion(int(baseline['bad'].sum()), len(baseline)))} in the baseline: something "
            "had to drain first."
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
            ("last trouble", f"{wording.seconds(last)} after the faults ended"),
        ),
        keys=_words.keys(bad["key"]),
    )
