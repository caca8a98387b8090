"""Calls that fail one after the other, each after its whole timeout: a dependency that is down, and asked."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chaos_analysis.fixes._layers import limits

if TYPE_CHECKING:
    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Site

THRESHOLD = 5  # failures in a row that open a circuit
_LEAST = 2 * THRESHOLD  # in a row, so that at least as many are spared as it takes to see the outage
_WAIT = 0.1  # seconds; what fails sooner costs nobody much
_WHOLE = 0.95  # of the timeout


class Outage(NamedTuple):
    """The longest row of failed calls, how many calls a circuit would have spared in all, and what each waited.

    `seconds` is the median of those spared, `share` how many of all failed calls were in rows that long.
    """

    row: int
    spared: int
    seconds: float
    share: float


def outage(evidence: Evidence, site: Site) -> Outage | None:
    """What the calls at this site show of one; None where they do not.

    Only calls of sampled requests count, since of the others those that met no fault are not noted: they may have been
    well in between.
    """
    calls = evidence.calls_at(site)
    if calls["error"].notna().sum() < _LEAST:
        return None
    calls = calls[calls["sampled"].astype(bool)]
    calls = calls.sort_values("started")
    waits = list(zip(calls["error"].notna(), calls["seconds"], calls["timeout"].map(limits), strict=True))
    rows = [[each[1] for each in row] for failed, row in groupby(waits, key=_is_waited_out) if failed]
    long = [row for row in rows if len(row) >= _LEAST]
    spared = [seconds for row in long for seconds in row[THRESHOLD:]]
    if not long:
        return None
    lengths = [len(row) for row in long]
    return Outage(max(lengths), len(spared), float(np.median(spared)), sum(lengths) / calls["error"].notna().sum())


def _is_waited_out(call: tuple[bool, float, tuple[float | None, float | None]]) -> bool:
    failed, seconds, timeouts = call
    least = min((each for each in timeouts if each is not None), default=0.0)
    return bool(failed and seconds >= max(_WAIT, _WHOLE * least))
