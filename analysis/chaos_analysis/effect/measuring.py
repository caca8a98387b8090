"""From two runs of one script to figures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from chaos_analysis.effect import gates
from chaos_analysis.effect.figures import Pairs, figures
from chaos_analysis.effect.pairing import pair
from chaos_analysis.model import Estimate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from chaos_analysis.effect.pairing import Pairing
    from chaos_analysis.effect.values import Measured


def measure(
    base: Path,
    other: Path,
    blocks: Mapping[str, int] | None = None,
    *,
    condition: str = "as declared",
    without: Iterable[str] = (),
) -> Measured:
    """What `other`, the run with the change, did otherwise than `base`, but on the endpoints `without`; see
    `Measured`.
    """
    return of_pairing(pair(base, other, blocks).without(without), condition)


def of_pairing(found: Pairing, condition: str = "as declared") -> Measured:
    """The same of runs that are paired already."""
    return replace(
        figures(columns(found), condition),
        calls=_calls(found),
        repeats=gates.repeats(found.calls),
        alone=found.alone,
        violated=gates.violated(found.base, found.other),
        gates=gates.of_pairs(found),
    )


def columns(found: Pairing) -> Pairs:
    """What the figures are made of."""
    rows = found.rows
    iteration = pd.factorize(rows["key"].astype(str).str.rsplit(".", n=1).str[0])[0]
    return Pairs(
        ok_base=rows["ok_base"].to_numpy(bool),
        ok_other=rows["ok_other"].to_numpy(bool),
        ms_base=rows["response_ms_base"].to_numpy(float),
        ms_other=rows["response_ms_other"].to_numpy(float),
        free=rows["free"].to_numpy(bool),
        block=rows["block"].to_numpy(int),
        iteration_base=iteration,
        iteration_other=iteration,
        deadline=found.deadline,
    )


def _calls(found: Pairing) -> Estimate:
    """Calls of faulted requests, the other's to the base's; without an interval: it is a count of what was made."""
    keys = found.rows.loc[~found.rows["free"], "key"]
    counts = found.calls[found.calls["key"].isin(set(keys))].groupby("side").size()
    base, other = (int(counts.get(side, 0)) for side in (0, 1))
    return Estimate(other / base if base else None, None, None, base, "ratio")
