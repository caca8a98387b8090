"""Endpoint against fault: how often a request that met exactly this fault failed; "no fault" is the control group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from chaos_analysis import wording
from chaos_analysis.plots import _stages, _style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from chaos_analysis.model import Analysis

_FEW, _MOST = 5, 24
_LETTER = 0.086  # inches, about
_SHADES = LinearSegmentedColormap.from_list("failures", ["#f1f4f7", "#f6c7a0", "#c44a00"])


def draw(analysis: Analysis) -> Figure | None:
    """Cells read `87 %` over `13/15`, hatched below five requests; None where no request met exactly one fault."""
    if analysis.tables.requests.empty:
        return None
    requests = analysis.tables.requests[["stage", "endpoint", "rule", "ok"]]
    chaos = requests[_stages.faults_on(requests) & (requests["rule"] != "+")]
    table = chaos.groupby(["endpoint", "rule"])["ok"].agg(n="size", ok="sum")
    rules = [rule for rule in _order(analysis, chaos) if rule]
    if not rules:
        return None
    failed, n = (_grid(column, ["", *rules]) for column in (table["n"] - table["ok"], table["n"]))
    rows = failed.sum(axis=1).sort_values(ascending=False, kind="stable").index
    shown = list(rows[:_MOST])
    figure = _style.figure(
        _finding(failed, n, _stages.edge_rules(analysis.experiment)) + _style.hidden(shown, rows),
        1.4 + 0.42 * len(shown),
    )
    axes = figure.subplots()
    _draw_cells(axes, failed.loc[shown].to_numpy(), n.loc[shown].to_numpy(), small=len(rules) > 8)
    axes.set_yticks(range(len(shown)), [_style.shorten(name, 34) for name in shown])
    _name_rules(axes, rules, longest=max(len(label.get_text()) for label in axes.get_yticklabels()))
    axes.spines[:].set_visible(False)
    return figure


def _name_rules(axes: Axes, rules: list[str], longest: int) -> None:
    """Across where there is room beside the `longest` endpoint, in parts where only these fit, and else askew."""
    names = ["no fault", *(_style.shorten(rule, 22) for rule in rules)]
    parts = [name.replace("-", "-\n").replace("_", "_\n") for name in names]
    room = (_style.WIDTH / _LETTER - longest) / len(names)
    whole = all(len(name) < room for name in names)
    level = all(len(line) < room for name in parts for line in name.split("\n"))
    axes.set_xticks(range(len(names)), parts if level and not whole else names)
    axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    if not level:
        for label in axes.get_xticklabels():  # those at the top, now that they are the visible ones
            label.set(rotation=35, ha="left", rotation_mode="anchor")


def _order(analysis: Analysis, chaos: pd.DataFrame) -> list[str]:
    """The rules that some request met alone, as the experiment lists them; those that it does not list last."""
    met = set(chaos["rule"])
    declared = [str(rule.get("name")) for rule in analysis.experiment.get("rules") or []]
    return [name for name in declared if name in met] + sorted(met.difference(declared))


def _grid(column: pd.Series[int], rules: list[str]) -> pd.DataFrame:
    return column.unstack(fill_value=0).reindex(columns=rules, fill_value=0)


def _draw_cells(axes: Axes, failed: np.ndarray, n: np.ndarray, *, small: bool) -> None:
    enough = n >= _FEW
    share = np.where(enough, failed / np.maximum(n, 1), np.nan)
    axes.imshow(share, cmap=_SHADES, vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(share):
        if enough[row, column]:
            text = f"{wording.number(round(value * 100))} %\n{failed[row, column]:,}/{n[row, column]:,}"
            colour = "white" if value > 0.7 else _style.INK
        elif n[row, column]:
            below_grid = Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor="#eef1f4", hatch="////", lw=0, zorder=0.4)
            axes.add_patch(below_grid)
            text, colour = f"n={n[row, column]}", _style.INK
        else:
            continue
        axes.text(column, row, text, ha="center", va="center", color=colour, size=7 if small else 8.5, linespacing=1.1)
    axes.set_xticks(np.arange(-0.5, n.shape[1]), minor=True)
    axes.set_yticks(np.arange(-0.5, n.shape[0]), minor=True)
    axes.grid(which="minor", color="white", lw=2)
    axes.tick_params(which="minor", length=0)


def _finding(failed: pd.DataFrame, n: pd.DataFrame, edge: list[str]) -> str:
    """The deadliest fault, among those that the app could have handled where there are any.

    It is held against what the same endpoints, in the same mix, do without a fault.
    """
    alike = n.drop(columns="").where(n[""] > 0, 0)
    total = alike.sum().where(lambda sum_: sum_ >= _FEW).dropna()
    if total.empty:
        return "Too few requests met exactly one fault to say which fault does harm"
    shares = failed[total.index].where(n[""] > 0, 0).sum() / total
    controls = alike[total.index].mul(failed[""] / n[""].clip(lower=1), axis=0).sum() / total
    rise = shares - controls
    handleable = rise.drop(edge, errors="ignore")
    worst = str((handleable if handleable.max() > 0 else rise).idxmax())
    if rise[worst] <= 0:
        return "No single fault made more requests fail than fail without one"
    of = wording.plural(total[worst], "request")
    endpoints = wording.plural((alike[worst] > 0).sum(), "endpoint")
    said = f"{wording.percent(shares[worst])} of {of} that met only {worst} failed, at {endpoints}"
    return f"{said}; without a fault {wording.percent(controls[worst])} there"
