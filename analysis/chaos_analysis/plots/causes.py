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
_WITHOUT = {_NONE: "while others did", _BEFORE: "before any", _AFTER: "after the faults"}
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
    """The largest share, where what met no fault is one share whenever it failed."""
    parts = [(counts[name], when) for name, when in _WITHOUT.items() if counts[name]]
    unfaulted = sum(count for count, _ in parts)
    others = Counter({name: count for name, count in counts.items() if name not in _WITHOUT})
    name, count = next(iter(others.most_common(1)), ("", 0))
    if unfaulted >= count:
        text = f"{wording.percent(unfaulted / total)} of {wording.plural(total, 'failure')} met no fault"
        split = ", ".join(f"{wording.percent(count / total)} {when}" for count, when in parts)
        return f"{text}: {split}" if len(parts) > 1 else f"{text}, {parts[0][1]}"
    met = "have no proven cause" if name == _OPEN else f"are put down to {name}"
    text = f"{wording.percent(count / total)} of {wording.plural(total, 'failure')} {met}"
    return (
        f"{text}; {wording.percent(unfaulted / total)} met no fault"
        if unfaulted
        else f"{text}; none came without a fault"
    )
