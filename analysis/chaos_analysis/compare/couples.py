"""Runs of one seed side by side: their requests by key, as one table of pairs.

A key of another stage on the other side is no pair: rates are per stage, so that it may not have met the same faults.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chaos_analysis.compare.comparable import seed
from chaos_analysis.effect import gates
from chaos_analysis.effect.measuring import columns
from chaos_analysis.effect.pairing import pair
from chaos_analysis.effect.values import Gate
from chaos_analysis.tables.keys import among

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from chaos_analysis.effect.figures import Pairs
    from chaos_analysis.effect.pairing import Pairing
    from chaos_analysis.rundir import RunDir

LEAST_TURNS = 6  # runs a side, in turn, before times are judged
WINDOWS = 6  # of one couple of runs: whether its requests interact
_SUCCESS = ["endpoint", "rule", "response_ms"]


@dataclass(frozen=True)
class Couples:
    """`pairs`, with the `endpoint` and the `rule` that alone was met of each ("" none, "+" several).

    `before` and `after`: the successes among them on both sides, with endpoint, rule and response_ms; `alone`: requests
    of one side only.
    """

    pairs: Pairs
    endpoint: NDArray[np.object_]
    rule: NDArray[np.object_]
    before: pd.DataFrame
    after: pd.DataFrame
    alone: tuple[int, int]
    gates: tuple[Gate, ...]
    interleaved: bool


def couples(base: Sequence[RunDir], other: Sequence[RunDir]) -> Couples:
    """Pair the runs by their seeds, of one seed in the order of time, and their requests by key."""
    sides = [sorted(side, key=lambda run: (seed(run), _created(run))) for side in (base, other)]
    turns = in_turns(base, other)
    found = [_same_stage(pair(one.path, two.path)) for one, two in zip(*sides, strict=True)]
    rows = [each.rows.assign(block=_blocks(at, each.rows, turns=turns)) for at, each in enumerate(found)]
    return _together(found, rows, turns=turns)


def arms(base: Path, other: Path, blocks: Mapping[str, int]) -> Couples:
    """Two arms that were sent one script in turn, block by block; see `effect.pairing.pair`."""
    found = _same_stage(pair(base, other, blocks))
    return _together([found], [found.rows], turns=True)


def _together(found: Sequence[Pairing], rows: Sequence[pd.DataFrame], *, turns: bool) -> Couples:
    whole = replace(found[0], rows=pd.concat(rows, ignore_index=True))
    met = whole.rows[["rule_base", "rule_other"]].to_numpy(object)
    return Couples(
        pairs=columns(whole),
        endpoint=whole.rows["endpoint"].to_numpy(object),
        rule=np.array([_rule(*both) for both in met.tolist()], dtype=object),
        before=_successes(found, "base"),
        after=_successes(found, "other"),
        alone=(sum(each.alone[0] for each in found), sum(each.alone[1] for each in found)),
        gates=_gates(found),
        interleaved=turns,
    )


def in_turns(base: Sequence[RunDir], other: Sequence[RunDir]) -> bool:
    """Whether each run of one side was followed, or led, by one of the other, often enough to judge times."""
    order = sorted([(_created(run), False) for run in base] + [(_created(run), True) for run in other])
    sides = [side for _, side in order]
    return len(base) >= LEAST_TURNS and all(one != two for one, two in zip(sides[::2], sides[1::2], strict=True))


def _created(run: RunDir) -> float:
    return float(run.run.get("created") or 0.0)


def _same_stage(found: Pairing) -> Pairing:
    """The pairing with the rules that each side met, and without pairs of two stages."""
    rows = found.rows
    for side, tables in (("base", found.base), ("other", found.other)):
        known = tables.requests.drop_duplicates("key").set_index("key")[["stage", "rule"]]
        rows = rows.join(known.add_suffix(f"_{side}"), on="key")
    same = rows["stage_base"] == rows["stage_other"]
    apart = int((~same).sum())
    return replace(found, rows=rows[same], alone=(found.alone[0] + apart, found.alone[1] + apart))


def _blocks(couple: int, rows: pd.DataFrame, *, turns: bool) -> NDArray[np.int_]:
    """The couple, where couples took turns; else the couple and the window, by the order of the requests."""
    if turns:
        return np.full(len(rows), couple)
    return couple * WINDOWS + np.arange(len(rows)) * WINDOWS // max(len(rows), 1)


def _rule(before: str, after: str) -> str:
    """What alone was met by a request that need not have met it on both sides."""
    if before == after or not after:
        return before
    return after if not before else "+"


def _successes(found: Sequence[Pairing], side: str) -> pd.DataFrame:
    every = [((each.base if side == "base" else each.other).requests, set(each.rows["key"])) for each in found]
    chosen = [rows.loc[rows["ok"].to_numpy(bool) & among(rows["key"], keys), _SUCCESS] for rows, keys in every]
    return pd.concat(chosen, ignore_index=True)


def _gates(found: Sequence[Pairing]) -> tuple[Gate, ...]:
    """What must hold in any case; of several couples, what does not hold in most of them."""
    each = [gates.of_pairs(one) for one in found]
    if len(each) == 1:
        return each[0]
    told = []
    for name in dict.fromkeys(gate.name for gate in chain(*each)):
        asked = [gate for gate in chain(*each) if gate.name == name and gate.ok is not None]
        bad = [gate for gate in asked if gate.ok is False]
        said = f"{len(asked) - len(bad)} of {len(asked)} pairs of runs hold it" + (f"; {bad[0].summary}" if bad else "")
        told.append(Gate(name, 2 * len(bad) <= len(asked) if asked else None, said))
    return tuple(told)
