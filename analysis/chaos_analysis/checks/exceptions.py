"""Do the users do what they were written to do, or do their tasks break off by exceptions of their own?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Check

if TYPE_CHECKING:
    import pandas as pd

    from chaos_analysis.evidence import Evidence

_SHOWN = 5
_MAX_TEXT = 120
_PLACE = ["class", "file", "line"]


def check(evidence: Evidence) -> Check:
    """What is raised in the baseline, after requests that went well, is the locustfile's; elsewhere faults may be why.

    Without a baseline, what is raised in iterations that met no fault.
    """
    raised = evidence.tables.exceptions
    if raised.empty:
        return Check("exceptions", ok=True, summary="none left a task of the users", fatal=False)
    said = f"{wording.plural(len(raised), 'exception')} in users' tasks"
    own = _own(raised, evidence)
    if not own.any():
        summary = f"{said}, none before any fault and after requests that went well"
        return Check("exceptions", ok=True, summary=summary, fatal=False, details=_details(raised))
    bugs = raised[own]
    said = f"{wording.plural(len(bugs), 'exception')} in users' tasks, of which the first: {_told(bugs.iloc[0])}"
    summary = f"{said}; what these tasks still had to send was not sent"
    return Check("exceptions", ok=False, summary=summary, fatal=False, details=_details(raised))


def _own(raised: pd.DataFrame, evidence: Evidence) -> pd.Series:
    """Which of them are of a class and a line that raise without a fault's help, too."""
    rows = evidence.rows
    troubled = {key.rpartition(".")[0] for key in rows.loc[~rows["ok"] | ~rows["control"], "key"]}
    alone = ~raised["iteration"].isin(troubled)
    if len(evidence.baseline):
        alone &= raised["stage"] == "baseline"
    places = set(raised.loc[alone, _PLACE].itertuples(index=False, name=None))
    return raised[_PLACE].apply(tuple, axis=1).isin(places)


def _details(raised: pd.DataFrame) -> tuple[str, ...]:
    groups = raised.groupby(_PLACE, sort=False)
    sizes = groups.size().sort_values(ascending=False, kind="stable").head(_SHOWN)
    return tuple(f"{wording.count(int(n))} of {_told(groups.get_group(place).iloc[0])}" for place, n in sizes.items())


def _told(row: pd.Series) -> str:
    text = " ".join(str(row["text"]).split())
    shown = text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"
    return f"{row['class']}: {shown} at {row['file']}:{row['line']}"
