"""Every injection point that a keyed request came to: `faults/*.reached`, tab-separated."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

COLUMNS = ("key", "stage", "plan", "target", "occurrence", "part", "rules")
_FIELDS = COLUMNS[:5]


def read(
    paths: Sequence[Path], plans: Mapping[str, Mapping[int, tuple[str, ...]]]
) -> tuple[pd.DataFrame, dict[Path, int], list[str]]:
    """All points, the broken lines of each part, and gaps. `plans` are each part's rules by plan number."""
    frames, broken, gaps = [], {}, []
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError as error:
            gaps.append(f"faults/{path.name} cannot be read: {error.strerror}")
            continue
        frame, bad = _parse(data)
        frame["part"] = pd.Series([path.stem] * len(frame), dtype=object)
        frame["rules"] = _rules(frame["plan"], plans.get(path.stem, {}))
        frames.append(frame)
        broken[path] = bad
        if bad:
            gaps.append(f"faults/{path.name}: {bad} lines could not be read")
    if not frames:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS}), broken, gaps
    return pd.concat(frames, ignore_index=True), broken, gaps


def _parse(data: bytes) -> tuple[pd.DataFrame, int]:
    whole, _, cut = data.rpartition(b"\n")
    lines = whole.count(b"\n") + 1 if whole else 0
    if not lines:
        return _typed(pd.DataFrame({name: pd.Series(dtype=object) for name in _FIELDS})), int(bool(cut))
    table = pd.read_csv(
        io.BytesIO(whole),
        sep="\t",
        names=list(_FIELDS),
        dtype=dict.fromkeys(("key", "stage", "target"), object),
        quoting=3,
        keep_default_na=False,
        na_values={"occurrence": [""], "plan": [""]},
        encoding_errors="replace",
        on_bad_lines="skip",
        low_memory=False,
    )
    table[["key", "stage", "target"]] = table[["key", "stage", "target"]].fillna("")
    plan = pd.to_numeric(table["plan"], errors="coerce")
    good = plan.notna().to_numpy()
    if not whole.isascii():  # keys are ASCII
        good = good & ~table["key"].str.contains("\ufffd", regex=False).to_numpy(bool)
    return _typed(table[good].reset_index(drop=True)), lines - int(good.sum()) + int(bool(cut))


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    table["plan"] = pd.to_numeric(table["plan"], errors="coerce").astype("int64")
    table["occurrence"] = pd.to_numeric(table["occurrence"], errors="coerce").fillna(0).astype("int64")
    return table


def _rules(numbers: pd.Series[int], plans: Mapping[int, tuple[str, ...]]) -> pd.Series[Any]:
    """Each point's rules; one tuple a plan, shared by all its points."""
    codes, uniques = pd.factorize(numbers)
    shared = np.empty(len(uniques), dtype=object)
    shared[:] = [plans.get(int(number), ()) for number in uniques]
    return pd.Series(shared[codes] if len(uniques) else [], dtype=object)
