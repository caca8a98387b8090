"""What the failed requests had met: which fault, several, none, or a time before any fault was on."""

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
_SEVERAL, _NONE, _BEFORE, _AFTER = "several faults", "no fault", "before any fault", "after the faults"
_COLOURS = {_SEVERAL: _style.PURPLE, _NONE: _style.BLUE, _BEFORE: _style.GREY, _AFTER: _style.GREEN}


def draw(analysis: Analysis) -> Figure | None:
    """A bar a cause, the largest first; None where nothing failed."""
    requests = analysis.tables.requests
    failed = requests[~requests["ok"].astype(bool)]
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
    for rule, count in during["rule"].value_counts().items():
        counts[{"": _NONE, "+": _SEVERAL}.get(str(rule), str(rule))] += int(count)
    return +counts


def _bar(name: str, count: int, total: int, edge: list[str]) -> _bars.Bar:
    where = ", injected at the edge" if name in edge else ""
    colour = _style.ORANGE if where else _COLOURS.get(name, _style.VERMILLION)
    return _bars.Bar(name, count, f"{wording.count(count)}  ({wording.percent(count / total)}){where}", colour)


def _finding(counts: Counter[str], total: int) -> str:
    name, count = counts.most_common(1)[0]
    met = {_NONE: "met no fault", _SEVERAL: "met several faults"}.get(name)
    met = met or (f"came {name}" + " were on" * (name == _AFTER) if name in _COLOURS else f"met only {name}")
    text = f"{wording.percent(count / total)} of {wording.plural(total, 'failure')} {met}"
    unfaulted = counts[_NONE] + counts[_BEFORE] + counts[_AFTER]
    if name in {_NONE, _BEFORE, _AFTER} or not unfaulted:
        return text if unfaulted else f"{text}; none came without a fault"
    return f"{text}; {wording.percent(unfaulted / total)} met no fault at all"
