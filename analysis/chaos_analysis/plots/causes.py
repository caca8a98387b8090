"""What the failed requests are put down to: a rule's faults where that is proven, none, or a time without faults."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.plots import _bars, _stages, _style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from chaos_analysis.model import Analysis

_MOST = 14
_OPEN, _NONE, _BEFORE, _AFTER = "cause not proven", "no fault", "before any fault", "after the faults"
_COLOURS = {_OPEN: _style.PURPLE, _NONE: _style.BLUE, _BEFORE: _style.GREY, _AFTER: _style.GREEN}


def draw(analysis: Analysis) -> Figure | None:
    """A bar a cause, the largest first; None where nothing failed."""
    failed = analysis.causes
    if failed.empty:
        return None
    counts = _counts(failed)
    edge = _stages.edge_rules(analysis.experiment)
    named = counts.most_common(_MOST)
    rest = sum(counts.values()) - sum(count for _, count in named)
    if rest:
        named.append((f"{len(counts) - _MOST} other causes", rest))
    made = [_bar(name, count, len(failed), edge) for name, count in named]
    return _bars.figure(_finding(counts, len(failed)), made, "failed requests")


def _counts(failed: pd.DataFrame) -> Counter[str]:
    before, during, after = _stages.split(failed)
    counts = Counter({_BEFORE: len(before), _AFTER: len(after)})
    blamed = during["rule"].where(during["proven"], during["control"].map({True: _NONE, False: _OPEN}))
    counts.update({str(name): int(count) for name, count in blamed.value_counts().items()})
    return +counts


def _bar(name: str, count: int, total: int, edge: list[str]) -> _bars.Bar:
    where = ", injected at the edge" if name in edge else ""
    colour = _style.ORANGE if where else _COLOURS.get(name, _style.VERMILLION)
    return _bars.Bar(name, count, f"{wording.count(count)}  ({wording.percent(count / total)}){where}", colour)


def _finding(counts: Counter[str], total: int) -> str:
    name, count = counts.most_common(1)[0]
    met = {_NONE: "met no fault", _OPEN: "have no proven cause", _BEFORE: "came before any fault"}.get(name)
    met = met or ("came after the faults" if name == _AFTER else f"are put down to {name}")
    text = f"{wording.percent(count / total)} of {wording.plural(total, 'failure')} {met}"
    unfaulted = counts[_NONE] + counts[_BEFORE] + counts[_AFTER]
    if name in {_NONE, _BEFORE, _AFTER} or not unfaulted:
        return text if unfaulted else f"{text}; none came without a fault"
    return f"{text}; {wording.percent(unfaulted / total)} met no fault at all"
