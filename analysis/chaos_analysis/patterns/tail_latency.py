"""Slow answers under chaos, and whether injected delays explain them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chaos_analysis import wording
from chaos_analysis.evidence import SIGNIFICANT
from chaos_analysis.model import Pattern
from chaos_analysis.neighbours import crowded
from chaos_analysis.patterns import _held, _waits, _words
from chaos_analysis.stats import proportion, quantile
from chaos_analysis.tables.keys import among

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Estimate

_QUANTILES = (0.99, 0.95)
_RISE = 2.0  # far above what two runs of the same code differ by
_EXPLAINED = 0.8
_DELAYS = ("latency", "slow_body", "slow_statement", "lock_contention", "pool_exhaustion")


class _Rise(NamedTuple):
    """A quantile under chaos and in the baseline."""

    name: str
    chaos: Estimate
    usual: Estimate

    @property
    def limit(self) -> float:
        """From how many ms on an answer is slow."""
        return _RISE * (self.usual.high or 0.0)


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern an endpoint whose tail at least doubled, at the highest quantile that both sides support.

    Where others took the machine a rise is put to the app only if its slow answers came while a delay was under way.
    """
    delayed = _delayed(evidence)
    crowd = crowded(evidence, evidence.fault_stages)
    usually = dict(list(evidence.baseline.groupby("endpoint")))
    for endpoint, rows in evidence.chaos.groupby("endpoint", sort=True):
        before = usually.get(endpoint, rows.iloc[:0])
        for p in _QUANTILES:
            chaos, usual = _quantile(rows, p), _quantile(before, p)
            if chaos.value is not None and usual.value is not None:
                if (chaos.low or 0.0) > _RISE * (usual.high or np.inf):
                    rise = _Rise(f"p{p * 100:g}", chaos, usual)
                    behind = _behind_delays(evidence, str(endpoint), rise)
                    yield _pattern(str(endpoint), rows, rise, delayed, behind=behind, crowd="" if behind else crowd)
                break


def _delayed(evidence: Evidence) -> dict[str, set[str]]:
    """Request keys by where an injected delay met them: at the edge, at a call, or in a pool that a fault of another
    request held.
    """
    faults = evidence.tables.faults
    delays = faults[faults["fault"].isin(_DELAYS)]
    edge = delays["seam"] == "wsgi"
    there = {"at the edge": set(delays.loc[edge, "key"]), "at a call": set(delays.loc[~edge, "key"])}
    beside = _waits.in_a_held_pool(evidence)
    return {**there, "in a pool that a fault held": beside} if beside else there


def _quantile(rows: pd.DataFrame, p: float) -> Estimate:
    times = rows.loc[rows["ok"], "response_ms"].dropna().to_numpy()
    return quantile(np.sort(times), p)


def _behind_delays(evidence: Evidence, endpoint: str, rise: _Rise) -> str:
    """In words, that requests without a fault are slow while a delay of another is under way in their process, and not
    between; "" where that is not shown.
    """
    faults, parts = evidence.tables.faults, _held.parts(evidence)
    delays = faults[faults["fault"].isin(_DELAYS) & (faults["finished"] - faults["started"] >= rise.limit / 1000)]
    delays = delays.rename(columns={"finished": "ended"}).assign(part=delays["key"].map(parts), own=True)
    rows = evidence.control[evidence.control["endpoint"] == endpoint]
    rows = rows.assign(part=rows["key"].map(parts))
    usual = float((delays["ended"] - delays["started"]).median())
    held = _held.compare(endpoint, rows, delays, usual, held=rows["ok"] & (rows["response_ms"] > rise.limit))
    if held.p >= SIGNIFICANT:
        return ""
    busy, quiet = (f"{wording.count(int(most.sum()))} of {wording.count(len(most))}" for most in held[1:3])
    return (
        f"They wait behind requests that met one: most were slow in {busy} stretches of time with a delay under way, "
        f"in {quiet} between."
    )


def _pattern(
    endpoint: str, rows: pd.DataFrame, rise: _Rise, delayed: dict[str, set[str]], *, behind: str, crowd: str
) -> Pattern:
    name, chaos, usual = rise
    slow = rows[rows["ok"] & (rows["response_ms"] > rise.limit)]
    there = {where: among(slow["key"], keys) for where, keys in delayed.items()}
    counts = {where: int(met.sum()) for where, met in there.items()}
    met = np.logical_or.reduce([*there.values()])
    share = float(met.mean()) if len(slow) else 0.0
    told = f"{wording.percent(share)} of the {wording.count(len(slow))} slow answers met an injected delay"
    own = int((~met).sum())
    return Pattern(
        id=f"tail_latency:{endpoint}",
        finder="tail_latency",
        title=f"{name} of {endpoint} rose from {wording.seconds((usual.value or 0) / 1000)} to"
        f" {wording.seconds((chaos.value or 0) / 1000)}; {told}",
        summary=(
            f"{name} of successful answers: {wording.estimate(chaos)} under chaos, {wording.estimate(usual)} in the "
            f"baseline. {told}."
        )
        + (f" {wording.count(own)} were slow without one." if own else "")
        + (f" {behind}" if own and behind else "")
        + (f" Of these the machine may be the reason: {crowd}." if own and crowd else ""),
        evidence="observed",
        severity="low" if share >= _EXPLAINED or crowd else "high",
        endpoint=endpoint,
        failures=0,
        slow=own,
        rate=proportion(int((~rows["ok"]).sum()), len(rows)),
        faults=("latency",) if share > 0 else (),
        facts=(
            (f"{name} under chaos", wording.estimate(chaos)),
            (f"{name} in the baseline", wording.estimate(usual)),
            *((f"slow answers that met a delay {where}", wording.count(n)) for where, n in counts.items()),
        ),
        keys=_words.keys(slow["key"]),
    )
