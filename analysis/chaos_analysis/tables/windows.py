"""Faults that befall a window of time and no single request: who was in the app meanwhile met them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

SEAMS = ("process", "network")


def of_windows(faults: pd.DataFrame) -> pd.DataFrame:
    """Those faults."""
    return faults[faults["seam"].isin(SEAMS)]


def met(rows: pd.DataFrame, faults: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """The keys of requests that overlap a window, each with the window's rule.

    A window without a recorded end lasts as long as it was asked to.
    """
    windows = of_windows(faults)
    if windows.empty or rows.empty:
        return
    began = rows["started"].to_numpy(float)
    ended = began + np.nan_to_num(rows["response_ms"].to_numpy(float)) / 1000
    keys = rows["key"].to_numpy(object)
    columns = ("rule", "started", "finished", "asked")
    for rule, started, finished, asked in zip(*(windows[name] for name in columns), strict=True):
        over = finished if finished == finished else started + _seconds(asked)  # noqa: PLR0124 - NaN
        for key in keys[(began <= over) & (ended >= started)]:
            yield str(key), str(rule)


def _seconds(asked: object) -> float:
    return float(asked.get("seconds") or 0.0) if isinstance(asked, dict) else 0.0
