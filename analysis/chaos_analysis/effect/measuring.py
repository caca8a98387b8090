"""From pairs to figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chaos_analysis.effect import gates
from chaos_analysis.effect.pairing import pair
from chaos_analysis.effect.values import Measured
from chaos_analysis.model import Estimate
from chaos_analysis.stats import proportion
from chaos_analysis.stats.paired import difference, mcnemar, mean, ratio

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chaos_analysis.effect.pairing import Pairing

LEAST_IN_BLOCK = 5  # requests before a block has a say


def measure(
    base: Path, other: Path, blocks: Mapping[str, int] | None = None, *, condition: str = "as declared"
) -> Measured:
    """What `other`, the run with the change, did otherwise than `base`; see `Measured`."""
    found = pair(base, other, blocks)
    rows = found.rows
    n = len(rows)
    rescued, broken = (int(hits.sum()) for hits in (_rescued(rows), _broken(rows)))
    net = (_rescued(rows).astype(int) - _broken(rows).astype(int)).groupby(rows["block"]).mean()
    useful, useful_p = _blockwise(rows, _useful(found), np.mean)
    free = rows[rows["free"] & rows["ok_base"] & rows["ok_other"]]
    latency, latency_p = _blockwise(free, (free["response_ms_base"], free["response_ms_other"]), np.median)
    return Measured(
        condition=condition,
        pairs=n,
        faulted=int((~rows["free"]).sum()),
        rescued=rescued,
        broken=broken,
        p_value=mcnemar(rescued, broken),
        before=proportion(int((~rows["ok_base"]).sum()), n),
        after=proportion(int((~rows["ok_other"]).sum()), n),
        difference=difference(rescued, broken, n),
        useful=useful,
        useful_p=useful_p,
        latency=latency,
        latency_p=latency_p,
        calls=_calls(found),
        repeats=gates.repeats(found.calls),
        alone=found.alone,
        steady=mean(net.tolist()).p if len(net) > 1 else None,
        violated=gates.violated(found.base, found.other),
        gates=gates.of_pairs(found),
    )


def _rescued(rows: pd.DataFrame) -> pd.Series[bool]:
    return ~rows["ok_base"] & rows["ok_other"]


def _broken(rows: pd.DataFrame) -> pd.Series[bool]:
    return rows["ok_base"] & ~rows["ok_other"]


def _useful(found: Pairing) -> tuple[pd.Series[float], pd.Series[float]]:
    """Milliseconds to a useful answer; who gets none has waited in vain until the deadline."""
    rows, limit = found.rows, found.deadline * 1000
    base, other = (rows[f"response_ms_{side}"].where(rows[f"ok_{side}"], limit) for side in ("base", "other"))
    return base.clip(upper=limit), other.clip(upper=limit)


def _blockwise(
    rows: pd.DataFrame, times: tuple[pd.Series[float], pd.Series[float]], figure: object
) -> tuple[Estimate, float | None]:
    """The ratio of a figure of each block, the other's to the base's."""
    blocks = rows.groupby("block").indices
    values = [
        tuple(max(float(figure(side.to_numpy()[places])), 0.001) for side in times)  # type: ignore[operator]
        for places in blocks.values()
        if len(places) >= LEAST_IN_BLOCK
    ]
    if not values:
        return Estimate(None, None, None, 0, "ratio", need=LEAST_IN_BLOCK), None
    base, other = zip(*values, strict=True)
    return ratio(base, other)


def _calls(found: Pairing) -> Estimate:
    """Calls of faulted requests, the other's to the base's; without an interval: it is a count of what was made."""
    keys = found.rows.loc[~found.rows["free"], "key"]
    counts = found.calls[found.calls["key"].isin(set(keys))].groupby("side").size()
    base, other = (int(counts.get(side, 0)) for side in (0, 1))
    return Estimate(other / base if base else None, None, None, base, "ratio")
