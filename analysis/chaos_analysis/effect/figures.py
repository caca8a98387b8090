"""From columns of pairs to figures: what is judged, whether the pairs were recorded just now or drawn again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chaos_analysis.effect.values import Measured
from chaos_analysis.model import Estimate
from chaos_analysis.stats import proportion
from chaos_analysis.stats.paired import difference, mcnemar, mean, ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LEAST_IN_BLOCK = 5  # requests before a block has a say
_LEAST_MS = 0.001


@dataclass(frozen=True)
class Pairs:
    """One value a pair: whether it went well and the milliseconds it took, without the change and with it; `free`, no
    fault on either side; `block`, a number. `deadline` in seconds.
    """

    ok_base: NDArray[np.bool_]
    ok_other: NDArray[np.bool_]
    ms_base: NDArray[np.float64]
    ms_other: NDArray[np.float64]
    free: NDArray[np.bool_]
    block: NDArray[np.int_]
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
            deadline=self.deadline,
        )


def figures(pairs: Pairs, condition: str = "as declared") -> Measured:
    """What the requests tell; calls, steps of one side and gates are for those who have them."""
    n = len(pairs)
    saved, lost = ~pairs.ok_base & pairs.ok_other, pairs.ok_base & ~pairs.ok_other
    rescued, broken = int(saved.sum()), int(lost.sum())
    blocks = [pairs.block == block for block in np.unique(pairs.block)]
    net = [float(saved[block].mean() - lost[block].mean()) for block in blocks]
    useful, useful_p = _blockwise(*_useful(pairs), blocks, np.mean)
    calm = pairs.free & pairs.ok_base & pairs.ok_other
    latency, latency_p = _blockwise(pairs.ms_base, pairs.ms_other, [block & calm for block in blocks], np.median)
    return Measured(
        condition=condition,
        pairs=n,
        faulted=int((~pairs.free).sum()),
        rescued=rescued,
        broken=broken,
        p_value=mcnemar(rescued, broken),
        before=proportion(int((~pairs.ok_base).sum()), n),
        after=proportion(int((~pairs.ok_other).sum()), n),
        difference=difference(rescued, broken, n),
        useful=useful,
        useful_p=useful_p,
        latency=latency,
        latency_p=latency_p,
        calls=Estimate(None, None, None, 0, "ratio"),
        repeats=(0, 0),
        alone=(0, 0),
        steady=mean(net).p if len(net) > 1 else None,
    )


def _useful(pairs: Pairs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Milliseconds to a useful answer; who gets none has waited in vain until the deadline."""
    limit = pairs.deadline * 1000
    base = np.minimum(np.where(pairs.ok_base, pairs.ms_base, limit), limit)
    return base, np.minimum(np.where(pairs.ok_other, pairs.ms_other, limit), limit)


def _blockwise(
    base: NDArray[np.float64],
    other: NDArray[np.float64],
    blocks: list[NDArray[np.bool_]],
    figure: Callable[[NDArray[np.float64]], object],
) -> tuple[Estimate, float | None]:
    """The ratio of a figure of each block, the other's to the base's."""
    values = [
        [max(float(figure(side[block])), _LEAST_MS) for side in (base, other)]  # type: ignore[arg-type]
        for block in blocks
        if block.sum() >= LEAST_IN_BLOCK
    ]
    if not values:
        return Estimate(None, None, None, 0, "ratio", need=LEAST_IN_BLOCK), None
    before, after = zip(*values, strict=True)
    return ratio(before, after)
