"""How every picture looks: colours that colour-blind readers can tell apart, one width, one way to write on it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from chaos_analysis import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Sized
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.typing import RcKeyType

# Okabe and Ito, "Color Universal Design" (2008).
BLUE, ORANGE, VERMILLION, GREEN, PURPLE = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7"
INK, GREY, PALE = "#1f2933", "#7b8794", "#e4e7eb"

_QUICK = {"compress_level": 3}  # half the time to write, a tenth more bytes

WIDTH = 9.0  # inches; the report shows a picture about 900 px wide, so a point is 1.4 px
SETTINGS: dict[RcKeyType, Any] = {
    "text.parse_math": False,  # names come from the run: a "$" in one is a dollar
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": PALE,
    "hatch.color": "#cbd2d9",
    "hatch.linewidth": 0.6,
}


def figure(title: str, height: float) -> Figure:
    """An empty picture of `height` inches whose `title` states the finding, wrapped to the width."""
    made = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasAgg(made)
    made.suptitle("\n".join(wrap(title, 90)), x=0.01, ha="left", size=11.5, weight="bold")
    return made


def save(made: Figure, path: Path) -> Path:
    """Write the picture to `path` whole or not at all, its title in the file's metadata."""
    title = " ".join(made.get_suptitle().split())
    partial = path.with_suffix(".png.part")
    made.savefig(partial, format="png", dpi=160, metadata={"Title": title, "Software": "chaos-test"}, pil_kwargs=_QUICK)
    return partial.replace(path)


def log_ticks(axis: Axis) -> None:
    """Plain figures on a logarithmic axis; 2 and 5 too where it spans little. Call when the limits are known."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0,) if high > 100 * low else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: wording.number(value)))
    axis.set_minor_formatter(NullFormatter())


def wrap(said: str, width: int, most: int = 9) -> list[str]:
    """`said` in as few lines of at most `width` characters as it takes, all about as long; cut after `most` lines."""
    said = printable(said)
    lines = textwrap.wrap(said, width, break_on_hyphens=False)
    if len(lines) > most:
        return textwrap.wrap(said, width, break_on_hyphens=False, max_lines=most, placeholder=" …")
    best, fewest = lines, len(lines)
    while width > 1 and len(lines) == fewest:
        best, width = lines, width - 1
        lines = textwrap.wrap(said, width, break_on_hyphens=False)
    return best


def shorten(name: str, length: int) -> str:
    """`name` in at most `length` characters; the middle goes, as both ends of a path tell it apart."""
    name = printable(name)
    if len(name) <= length:
        return name
    tail = length // 2
    return f"{name[: length - tail - 1]}…{name[-tail:]}"


def hidden(shown: Sized, of: Sized) -> str:
    """What a title adds where not all endpoints fit."""
    return f" ({len(shown)} of {len(of)} endpoints shown)" if len(shown) < len(of) else ""


def printable(text: str) -> str:
    """`text` on one line, without characters that would not show or would turn the direction of writing."""
    return "".join(c if c.isprintable() else " " for c in text)


def label_ends(axes: Axes, labels: Iterable[tuple[float, str, str]], *, gap: float = 0.1) -> None:
    """Name lines at the right edge instead of in a legend.

    `labels` are (y of the line's end in data, text, colour); they are pushed apart by `gap` of the height.
    """
    right = axes.get_xlim()[1]
    axes.get_ylim()  # settles the limits that the fractions are computed from
    to_axes = axes.transScale + axes.transLimits
    ends = sorted((float(to_axes.transform((right, y))[1]), text, colour) for y, text, colour in labels)
    heights: list[float] = []
    for height, _, _ in ends:
        heights.append(max(min(max(height, 0.0), 1.0), heights[-1] + gap if heights else 0.0))
    sunk = max(max(heights, default=0.0) - 1, 0.0)
    for height, (_, text, colour) in zip(heights, ends, strict=True):
        label = axes.annotate(text, (1, height - sunk), (6, 0), "axes fraction", "offset points")
        label.set(color=colour, va="center", weight="bold")
