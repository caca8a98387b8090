"""Rows chosen by many keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    import pandas as pd
    from numpy.typing import NDArray


def among(keys: pd.Series[str], wanted: AbstractSet[str]) -> NDArray[np.bool_]:
    """Which of `keys` are among `wanted`; `isin` would first make a table of its own from them, each time."""
    return np.fromiter(map(wanted.__contains__, keys.tolist()), dtype=bool, count=len(keys))
