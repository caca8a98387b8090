"""Requests that were rightly refused: a body that is far too long, by a fault, and an answer that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.tables.keys import among

if TYPE_CHECKING:
    import pandas as pd

_FAULT = "large_body"
_TOO_LARGE = 413


def refused(answers: pd.DataFrame, faults: pd.DataFrame) -> pd.Series[bool]:
    """Which of the answers (`key`, `status`) refuse a body that one of the faults (`key`, `fault`) made too long: they
    are right, whatever the load's users make of them.
    """
    return (answers["status"] == _TOO_LARGE) & among(answers["key"], set(faults.loc[faults["fault"] == _FAULT, "key"]))
