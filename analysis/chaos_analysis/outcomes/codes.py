"""Rows that are alike, numbered alike: what takes thought is thought once for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable


def kinds(columns: Iterable[Any]) -> tuple[np.ndarray, np.ndarray]:
    """A number for each row, the same for rows that are alike in all columns, and the first row of each number."""
    numbers: np.ndarray | None = None
    for column in columns:
        codes, known = pd.factorize(column, use_na_sentinel=False)
        joined = codes if numbers is None else numbers * len(known) + codes
        numbers = joined if numbers is None else pd.factorize(joined)[0]
    assert numbers is not None
    firsts = np.flatnonzero(~pd.Series(numbers).duplicated().to_numpy())
    return numbers.astype(np.int64), firsts
