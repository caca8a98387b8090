"""From columns of pairs to figures: what is judged, whether the pairs were recorded just now or drawn again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chaos_analysis.effect.values import Measured
from chaos_analysis.model import Estimate
from chaos_analysis.stats import proportion
from chaos_analysis.stats.paired import difference, mcnemar, mean, ratio

if TYPE_CHECKING:
    from collections.abc import Callable

Times = NDArray[np.float64]
LEAST_IN_BLOCK = 5  # requests before a block has a say
_LEAST_MS = 0.001


@dataclass(frozen=True)
class Pairs:
    """One value a pair: whether it went well and the milliseconds it took, without the change and with it; `free`, no
    fault on either side; `block`, a number, and the number of the iteration, which is another on the other side only
    where like requests were paired. `deadline` in seconds.
    """

    ok_base: NDArray[np.bool_]
    ok_other: NDArray[np.bool_]
    ms_base: NDArray[np.float64]
    ms_other: NDArray[np.float64]
    free: NDArray[np.bool_]
    block: NDArray[np.int_]
    iteration_base: NDArray[np.int_]
    iteration_other: NDArray[np.int_]
    deadline: float

    def __len__(self) -> int:
        return len(self.block)

    def only(self, chosen: NDArray[np.bool_]) -> Pairs:
        """Some of them."""
        return Pairs(
            ok_base=self.ok_base[chosen],
            ok_other=self.ok_other[chosen],
            ms_base=self.ms_base[chosen],
            ms_other=self.ms_other[chosen],
            free=self.free[chosen],
            block=self.block[chosen],
            iteration_base=self.iteration_base[chosen],
            iteration_other=self.iteration_other[chosen],
            deadline=self.deadline,
        )


def figures(pairs: Pairs, condition: str = "as declared") -> Measured:
    """What the requests tell; calls, steps of one side and gates are for those who have them."""
    n = len(pairs)
    saved, lost = ~pairs.ok_base & pairs.ok_other, pairs.ok_base & ~pairs.ok_other
    rescued, broken = int(saved.sum()), int(lost.sum())
    _, block = np.unique(pairs.block, return_inverse=True)
    net = _means(saved.astype(float) - lost, block)
    iterations = len(np.unique(pairs.iteration_base[saved])), len(np.unique(pairs.iteration_other[lost]))
    calm = pairs.free & pairs.ok_base & pairs.ok_other
    times = [_useful(ok, ms, pairs.deadline * 1000) for ok, ms in _sides(pairs)]
    useful, useful_p, useful_ms = _blockwise(times, block, _means)
    latency, latency_p, latency_ms = _blockwise([ms[calm] for _, ms in _sides(pairs)], block[calm], _medians)
    return Measured(
        condition=condition,
        pairs=n,
        faulted=int((~pairs.free).sum()),
        rescued=rescued,
        broken=broken,
        iterations=iterations,
        p_value=mcnemar(*iterations),
        before=proportion(int((~pairs.ok_base).sum()), n),
        after=proportion(int((~pairs.ok_other).sum()), n),
        difference=difference(rescued, broken, n),
        useful=useful,
        useful_p=useful_p,
        useful_ms=useful_ms,
        latency=latency,
        latency_p=latency_p,
        latency_ms=latency_ms,
        calls=Estimate(None, None, None, 0, "ratio"),
        repeats=(0, 0),
        alone=(0, 0),
        steady=mean(net.tolist()).p if len(net) > 1 else None,
    )


def _sides(pairs: Pairs) -> tuple[tuple[NDArray[np.bool_], Times], tuple[NDArray[np.bool_], Times]]:
    return (pairs.ok_base, pairs.ms_base), (pairs.ok_other, pairs.ms_other)


def _useful(ok: NDArray[np.bool_], ms: Times, limit: float) -> Times:
    """Milliseconds to a useful answer; who gets none has waited in vain until the deadline."""
    return np.minimum(np.where(ok, ms, limit), limit)


def _means(values: Times, block: NDArray[np.int_]) -> Times:
    """The mean of each block; blocks are numbered from 0, and none is empty."""
    found: Times = np.bincount(block, weights=values) / np.bincount(block)
    return found


def _medians(values: Times, block: NDArray[np.int_]) -> Times:
    """The median of each block."""
    ordered, sizes = values[np.lexsort((values, block))], np.bincount(block)
    starts = np.cumsum(sizes) - sizes
    middle: Times = (ordered[starts + (sizes - 1) // 2] + ordered[starts + sizes // 2]) / 2
    return middle


def _blockwise(
    times: list[Times], block: NDArray[np.int_], figure: Callable[[Times, NDArray[np.int_]], Times]
) -> tuple[Estimate, float | None, float | None]:
    """The ratio of a figure of each block, the other's to the base's, its p-value, and how much more that is in the
    mean of the blocks; small blocks have no say.
    """
    which = (np.bincount(block) >= LEAST_IN_BLOCK)[block]
    if not which.any():
        return Estimate(None, None, None, 0, "ratio", need=LEAST_IN_BLOCK), None, None
    _, number = np.unique(block[which], return_inverse=True)
    base, other = (np.maximum(figure(side[which], number), _LEAST_MS) for side in times)
    return *ratio(base.tolist(), other.tolist()), float((other - base).mean())
