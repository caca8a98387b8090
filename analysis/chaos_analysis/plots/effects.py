"""What the fixes do, as measured: a forest plot, a row a patch and condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from matplotlib.ticker import FuncFormatter, MaxNLocator

from chaos_analysis import wording
from chaos_analysis.plots import _gains, _style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from chaos_analysis.effect.values import Effect, Verdict
    from chaos_analysis.model import Analysis, Estimate, Proposal

_COLOURS: dict[Verdict, str] = {
    "improved": _style.BLUE,
    "worse": _style.VERMILLION,
    "no difference": _style.GREY,
    "inconclusive": _style.PURPLE,
    "not comparable": _style.GREY,
}
# Where the whole interval lies: the marker, and the colour where there is no verdict to go by.
_SIDES = {-1: ("<", _style.BLUE), 0: ("o", _style.GREY), 1: (">", _style.VERMILLION)}
_CERTAIN = (_COLOURS["improved"], _COLOURS["worse"])  # the others are too pale to be read


class _Row(NamedTuple):
    name: str
    place: str
    said: str
    colour: str
    difference: Estimate


def draw(analysis: Analysis) -> Figure | None:
    """Differences of the failure rate with their intervals, in the order of rank; None where no patch was measured."""
    rows = _rows(analysis)
    if not rows:
        return None
    made = _style.figure(_gains.finding(analysis), 1.5 + 0.6 * len(rows))
    axes = made.subplots()
    for at, row in enumerate(rows):
        _draw_row(axes, at, row)
    axes.axvline(0, color=_style.INK, lw=1, zorder=1)
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+g}" if value else "0"))
    axes.set_xlabel("change of the failure rate of the replayed requests, percentage points, with its 95 % interval")
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    _name_sides(axes)
    return made


def _rows(analysis: Analysis) -> list[_Row]:
    """Of all patches; the placebo is what they are held against, and nothing to see by itself."""
    measured = analysis.measured
    together = _gains.together(analysis)
    rows = list(_of(wording.together(measured.numbers), "", together)) if measured and together else []
    for proposal in analysis.proposals:
        if proposal.effect:
            rows += _of(f"Fix {proposal.number}: {_short(proposal)}", _place(proposal), proposal.effect)
    for name, effect in measured.own.items() if measured else ():
        rows += _of(f"Patch {name}", "", effect)
    if rows and measured and measured.placebo:
        rows += _of("Placebo: a change that changes nothing", "", measured.placebo)
    return rows


def _of(name: str, place: str, effect: Effect) -> Iterator[_Row]:
    """The first condition, which the verdict is about, then the others, each in the colour of what it shows itself."""
    for at, measured in enumerate(effect.measured):
        difference = measured.difference
        if difference.value is None:
            continue
        said = wording.points(difference)
        if at:
            colour = _SIDES[_gains.side(difference)][1]
            yield _Row(f"{name.partition(':')[0]}, under {measured.condition}", "", said, colour, difference)
        else:
            yield _Row(name, place, f"{_verdict(effect)}\n{said}", _COLOURS[effect.verdict], difference)


def _verdict(effect: Effect) -> str:
    """The verdict, with the condition that it comes from where that is not the first."""
    others = [each.condition for each in effect.measured[1:] if f"under {each.condition}" in effect.reason]
    return f"worse: see under {others[0]}" if effect.verdict == "worse" and others else effect.verdict


def _short(proposal: Proposal) -> str:
    return proposal.title.removesuffix(f": {proposal.file}:{proposal.line}")


def _place(proposal: Proposal) -> str:
    return f"{proposal.file}:{proposal.line}" if proposal.file and proposal.line else ""


def _label(row: _Row) -> str:
    name = _style.wrap(row.name, 40, most=2)
    return "\n".join([*name, *([_style.shorten(row.place, 40)] if row.place else [])])


def _draw_row(axes: Axes, at: int, row: _Row) -> None:
    """A triangle points to the side where the whole interval lies; a circle has it on both."""
    value, low, high = (100 * (end or 0.0) for end in (row.difference.value, row.difference.low, row.difference.high))
    axes.plot([low, high], [at, at], color=row.colour, lw=2.2, solid_capstyle="butt")
    axes.plot(value, at, marker=_SIDES[_gains.side(row.difference)][0], color=row.colour, ms=8)
    said = axes.annotate(row.said, (1, at), (8, 0), ("axes fraction", "data"), "offset points", va="center")
    said.set_color(row.colour if row.colour in _CERTAIN else _style.INK)


def _name_sides(axes: Axes) -> None:
    low, high = axes.get_xlim()
    reach = max(abs(low), abs(high))
    axes.set_xlim(min(low, -0.25 * reach), max(high, 0.25 * reach))
    for text, shift, side in (("◀ fewer failures", -8, "right"), ("more failures ▶", 8, "left")):
        axes.annotate(text, (0, 1), (shift, 4), ("data", "axes fraction"), "offset points", ha=side, color=_style.GREY)
