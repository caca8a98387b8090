"""How often a comparison would cry wolf here, and what it would see: the real judging, on a run against itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from chaos_analysis.compare import paired
from chaos_analysis.compare.apart import named
from chaos_analysis.compare.halves import Recorded, halves, pairs, recorded
from chaos_analysis.compare.paired import ALL, Choices
from chaos_analysis.compare.unpaired import Counts
from chaos_analysis.effect import judge
from chaos_analysis.effect.figures import figures
from chaos_analysis.errors import AnalysisError
from chaos_analysis.rundir import open_run
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from chaos_analysis.model import Estimate

COMPARISONS = 1000
PAIRS = 500
RESCUED = 0.3
_CRIES = frozenset({"improved", "worse"})
_LEAST = 60  # requests, of which two halves can be made


@dataclass(frozen=True)
class Noise:
    """Shares of comparisons, each with its interval. `alarms`: of the whole run with itself, improved or worse in any
    group; `power`: of `PAIRS` requests, of which a patch rescues `RESCUED` of those that a fault fails, improved.

    `pairs` is how many a comparison had in the mean, `fault_rate` the share of requests that a fault fails there.
    """

    pairs: float
    alarms: Estimate
    alarms_unpaired: Estimate
    fault_rate: float
    power: Estimate
    power_unpaired: Estimate


def noise(run_dir: Path, *, comparisons: int = COMPARISONS, seed: int = 0) -> Noise:
    """Compare a run with itself so many times; raises `AnalysisError` where it is too small."""
    return of_recorded(recorded(open_run(run_dir)), comparisons=comparisons, seed=seed)


def of_recorded(
    of: Recorded, *, comparisons: int = COMPARISONS, seed: int = 0, fault_rate: float | None = None
) -> Noise:
    """The same of requests that are read already; `fault_rate` replaces the run's own."""
    if len(of) < _LEAST:
        raise AnalysisError(f"the run has {len(of)} requests; at least {_LEAST} are needed to compare it with itself")
    if not of.failed.any():
        raise AnalysisError("no fault failed a request of the run, so there is nothing that a patch could rescue")
    rate = float(of.failed.sum() / of.chaos.sum()) if fault_rate is None else fault_rate
    dice = np.random.default_rng(seed)
    told = [_alarms(of, *halves(of, dice)) for _ in range(comparisons)]
    seen = [_seen(of, rate, dice) for _ in range(comparisons)]
    sizes, cries, cries_unpaired = zip(*told, strict=True)
    found, found_unpaired = zip(*seen, strict=True)
    return Noise(
        pairs=sum(sizes) / comparisons,
        alarms=proportion(sum(cries), comparisons),
        alarms_unpaired=proportion(sum(cries_unpaired), comparisons),
        fault_rate=rate,
        power=proportion(sum(found), comparisons),
        power_unpaired=proportion(sum(found_unpaired), comparisons),
    )


def _alarms(of: Recorded, base: NDArray[np.int_], other: NDArray[np.int_]) -> tuple[int, bool, bool]:
    """How many pairs there were, and whether anything was found in them, paired and unpaired."""
    choices = Choices.of(of.endpoint[base], of.rule[base])
    judged = paired.effects(pairs(of, base, other), choices)
    counts = {name: _counts(of.ok[base[which]], of.ok[other[which]]) for name, which in choices.chosen.items()}
    apart = named(counts)
    return (
        len(base),
        any(effect.verdict in _CRIES for effect in judged.values()),
        any(each.verdict in _CRIES for each in apart.values()),
    )


def _seen(of: Recorded, rate: float, dice: np.random.Generator) -> tuple[bool, bool]:
    """Whether a patch that rescues would be seen, paired and unpaired."""
    base, other = _drawn(of, rate, dice)
    drawn = pairs(of, base, other)
    mended = replace(drawn, ok_other=drawn.ok_other | (of.failed[base] & (dice.random(len(base)) < RESCUED)))
    alone, _ = _drawn(of, rate, dice)  # other requests than those that `mended` has
    counts = {ALL: _counts(of.ok[alone], mended.ok_other)}
    return judge([figures(mended)]).verdict == "improved", named(counts)[ALL].verdict == "improved"


def _drawn(of: Recorded, rate: float, dice: np.random.Generator) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """`PAIRS` pairs of the stages that inject, each of a kind that a fault fails by this chance."""
    base, other = halves(of, dice)
    there = of.chaos[base]
    pools = [np.flatnonzero(there & (of.failed[base] == failed)) for failed in (True, False)]
    if not all(map(len, pools)):
        raise AnalysisError(
            "the run has too few requests that a fault failed, or too few others, for both halves of it"
        )
    met = int(dice.binomial(PAIRS, rate))
    chosen = np.concatenate([dice.choice(pool, size) for pool, size in zip(pools, (met, PAIRS - met), strict=True)])
    return base[chosen], other[chosen]


def _counts(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Counts:
    return Counts(int((~before).sum()), len(before), int((~after).sum()), len(after))
