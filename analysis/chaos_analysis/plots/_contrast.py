"""The sentences above the pictures: failures before against during, a difference only where the data support it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.stats.proportion import proportion

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from chaos_analysis.model import EndpointStats

_FEW = 20


def failures(before: pd.Series[bool], during: pd.Series[bool]) -> str:
    """How the share of failures moved from `before` to `during`, both whether each request succeeded."""
    if during.empty:
        return f"{_share(before)} of {wording.plural(len(before), 'request')} failed; no faults were on"
    if before.empty:
        return f"{_share(during)} of {wording.plural(len(during), 'request')} failed while faults were on"
    if min(len(before), len(during)) < _FEW:
        return f"Too few requests to compare: {_of(before)} failed before, {_of(during)} while faults were on"
    low, high = difference(int((~before).sum()), len(before), int((~during).sum()), len(during))
    if low > 0 or high < 0:
        moved = "rose" if low > 0 else "fell"
        return f"Failures {moved} from {_share(before)} to {_share(during)} while faults were on"
    return f"No clear change in failures: {_share(before)} before, {_share(during)} while faults were on"


def recovery(after: pd.DataFrame, ended: float) -> str:
    """What became of the failures once the faults were off, `ended` seconds into the run."""
    failed = after.loc[~after["ok"], "second"]
    if failed.empty:
        return f"none in {wording.plural(len(after), 'request')} after"
    if len(failed) / len(after) < 0.05:
        lag = max(float(failed.max()) - ended, 0.0)
        return f"{_share(after['ok'])} after, the last {wording.seconds(lag)} after the faults ended"
    return f"still {_share(after['ok'])} after"


def overall(endpoints: Sequence[EndpointStats]) -> str:
    """What share of all requests failed."""
    rows = [row for row in endpoints if row.stage == "all"]
    requests, failed = sum(row.requests for row in rows), sum(row.failures for row in rows)
    if not requests:
        return "Load, failures and latency over time"
    return f"{wording.percent(failed / requests)} of {wording.plural(requests, 'request')} failed"


def difference(failed_a: int, n_a: int, failed_b: int, n_b: int) -> tuple[float, float]:
    """95 % interval of share b minus share a (Newcombe 1998, method 10: from the intervals of the two)."""
    a, low_a, high_a = _shares(failed_a, n_a)
    b, low_b, high_b = _shares(failed_b, n_b)
    return b - a - math.hypot(b - low_b, high_a - a), b - a + math.hypot(high_b - b, a - low_a)


def _shares(failed: int, n: int) -> tuple[float, float, float]:
    share = proportion(failed, n)
    return failed / n, share.low or 0.0, 1.0 if share.high is None else share.high


def _of(ok: pd.Series[bool]) -> str:
    return f"{wording.count((~ok).sum())} of {wording.count(len(ok))}"


def _share(ok: pd.Series[bool]) -> str:
    return wording.percent(1 - float(ok.mean()))
