"""Slow answers under chaos, and whether injected delays explain them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chaos_analysis import wording
from chaos_analysis.evidence import SIGNIFICANT
from chaos_analysis.model import Pattern
from chaos_analysis.neighbours import crowded
from chaos_analysis.patterns import _held, _waits, _words
from chaos_analysis.stats import fisher, proportion, quantile
from chaos_analysis.tables.keys import among

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Estimate

_QUANTILES = (0.99, 0.95)
_RISE = 2.0  # far above what two runs of the same code differ by
_EXPLAINED = 0.8
_MOMENT = 1.0  # seconds; answers that are slow within one may be so by one and the same hitch, of the machine even
_DELAYS = ("latency", "slow_body", "slow_statement", "lock_contention", "pool_exhaustion")


class _Tail(NamedTuple):
    """The slowest answers of an endpoint: a quantile under chaos and in the baseline, with the rows of both, and which
    of those under chaos met an injected delay, by where it met them.
    """

    endpoint: str
    rows: pd.DataFrame
    before: pd.DataFrame
    p: float
    chaos: Estimate
    usual: Estimate
    met: dict[str, NDArray[np.bool_]]

    @property
    def name(self) -> str:
        """Of the quantile, as people call it."""
        return f"p{self.p * 100:g}"

    @property
    def limit(self) -> float:
        """From how many ms on an answer is slow."""
        return _RISE * (self.usual.high or 0.0)

    @property
    def slow(self) -> NDArray[np.bool_]:
        """Which rows under chaos are."""
        return self.late(self.rows).to_numpy()

    @property
    def own(self) -> NDArray[np.bool_]:
        """Which of them met no delay."""
        own: NDArray[np.bool_] = ~np.logical_or.reduce([*self.met.values()])
        return own

    def late(self, rows: pd.DataFrame) -> pd.Series[bool]:
        """Which of these are slow; what failed has no time that counts."""
        late: pd.Series[bool] = rows["ok"] & (rows["response_ms"] > self.limit)
        return late


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern an endpoint whose tail at least doubled, at the highest quantile that both sides support.

    Slow answers that met no injected delay are put to the app where they came while a delay was under way, or in second
    after second and nobody else took the machine. What a single hitch may have made slow is no finding of its own.
    """
    delayed = _delayed(evidence)
    crowd = crowded(evidence, evidence.fault_stages)
    for tail in _tails(evidence, delayed):
        behind = _behind_delays(evidence, tail)
        doubt = "" if behind else crowd or _hitch(tail)
        if crowd or not doubt or (tail.slow & ~tail.own).any():
            yield _pattern(tail, behind=behind, doubt=doubt)


def _tails(evidence: Evidence, delayed: dict[str, set[str]]) -> Iterator[_Tail]:
    """Those that at least doubled."""
    usually = dict(list(evidence.baseline.groupby("endpoint")))
    for endpoint, rows in evidence.chaos.groupby("endpoint", sort=True):
        before = usually.get(endpoint, rows.iloc[:0])
        for p in _QUANTILES:
            chaos, usual = _quantile(rows, p), _quantile(before, p)
            if chaos.value is not None and usual.value is not None:
                if (chaos.low or 0.0) > _RISE * (usual.high or np.inf):
                    met = {where: among(rows["key"], keys) for where, keys in delayed.items()}
                    yield _Tail(str(endpoint), rows, before, p, chaos, usual, met)
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


def _behind_delays(evidence: Evidence, tail: _Tail) -> str:
    """In words, that requests without a fault are slow while a delay of another is under way in their process, and not
    between; "" where that is not shown.
    """
    faults, parts = evidence.tables.faults, _held.parts(evidence)
    delays = faults[faults["fault"].isin(_DELAYS) & (faults["finished"] - faults["started"] >= tail.limit / 1000)]
    delays = delays.rename(columns={"finished": "ended"}).assign(part=delays["key"].map(parts), own=True)
    rows = evidence.control[evidence.control["endpoint"] == tail.endpoint]
    rows = rows.assign(part=rows["key"].map(parts))
    usual = float((delays["ended"] - delays["started"]).median())
    held = _held.compare(tail.endpoint, rows, delays, usual, held=tail.late(rows))
    if held.p >= SIGNIFICANT:
        return ""
    busy, quiet = (f"{wording.count(int(most.sum()))} of {wording.count(len(most))}" for most in held[1:3])
    return (
        f"They wait behind requests that met one: most were slow in {busy} stretches of time with a delay under way, "
        f"in {quiet} between."
    )


def _hitch(tail: _Tail) -> str:
    """In words, that the slow answers without a delay came in too few seconds to be more than a hitch of the machine or
    two; "" where they did not. Those of one second are not independent of each other, so seconds are compared.
    """
    slow, usual = _slow_seconds(tail, tail.rows[tail.own]), _slow_seconds(tail, tail.before)
    if fisher(int(slow.sum()), len(slow), int(usual.sum()), len(usual)) < SIGNIFICANT:
        return ""
    return (
        f"they came in {wording.count(int(slow.sum()))} of {wording.plural(len(slow), 'second')}, perhaps by one hitch"
    )


def _slow_seconds(tail: _Tail, rows: pd.DataFrame) -> pd.Series[bool]:
    """Of each second with requests, whether more of its answers were slow than the quantile leaves above itself."""
    second = (rows["started"] // _MOMENT).astype(int)
    return tail.late(rows).groupby(second).mean() > 1 - tail.p


def _pattern(tail: _Tail, *, behind: str, doubt: str) -> Pattern:
    name, chaos, usual, slow = tail.name, tail.chaos, tail.usual, tail.slow
    own = int((slow & tail.own).sum())
    share = float((~tail.own)[slow].mean()) if slow.any() else 0.0
    told = f"{wording.percent(share)} of the {wording.count(int(slow.sum()))} slow answers met an injected delay"
    return Pattern(
        id=f"tail_latency:{tail.endpoint}",
        finder="tail_latency",
        title=f"{name} of {tail.endpoint} rose from {wording.seconds((usual.value or 0) / 1000)} to"
        f" {wording.seconds((chaos.value or 0) / 1000)}; {told}",
        summary=(
            f"{name} of successful answers: {wording.estimate(chaos)} under chaos, {wording.estimate(usual)} in the "
            f"baseline. {told}."
        )
        + (f" {wording.count(own)} were slow without one." if own else "")
        + (f" {behind}" if own and behind else "")
        + (f" Of these the machine may be the reason: {doubt}." if own and doubt else ""),
        evidence="observed",
        severity="low" if share >= _EXPLAINED or doubt else "high",
        endpoint=tail.endpoint,
        failures=0,
        slow=own,
        rate=proportion(int((~tail.rows["ok"]).sum()), len(tail.rows)),
        faults=("latency",) if share > 0 else (),
        facts=(
            (f"{name} under chaos", wording.estimate(chaos)),
            (f"{name} in the baseline", wording.estimate(usual)),
            *(
                (f"slow answers that met a delay {where}", wording.count(int((slow & there).sum())))
                for where, there in tail.met.items()
            ),
        ),
        keys=_words.keys(tail.rows.loc[slow, "key"]),
    )
