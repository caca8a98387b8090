"""Figures as people read them: three significant digits, thousands separated, the unit always said.

Used by the pictures and by the report, so that one figure reads the same in both.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos_analysis.model import Estimate

ABSENT = "-"
_SUFFIX = {"probability": " %", "ms": " ms", "s": " s", "1/s": "/s", "count": "", "ratio": ""}


def number(value: float) -> str:
    """`value` to three significant digits: `1234.5` is `1,230`, `0.01239` is `0.0124`."""
    if not math.isfinite(value):
        return "unbounded"
    if value == 0:
        return "0"
    decimals = 2 - math.floor(math.log10(abs(value)))
    text = f"{round(value, decimals):,.{max(decimals, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(value: float) -> str:
    """A count, exactly: `1234` is `1,234`."""
    return f"{round(value):,}"


def plural(amount: float, noun: str) -> str:
    """`plural(1, "request")` is `1 request`, `plural(2, "request")` is `2 requests`."""
    return f"{count(amount)} {noun}" + ("" if amount == 1 else "s")


def percent(share: float) -> str:
    """A share in [0, 1] as a percentage: `24.4 %`, `0.26 %`; `100 %` is said of the whole only."""
    return f"{_points(share)} %"


def seconds(value: float) -> str:
    """A duration given in seconds, in the unit that reads best: `412 ms`, `1.2 s`, `2 min 5 s`, `1 h 2 min`."""
    if value < 1:
        return f"{number(value * 1000)} ms"
    if value < 120:
        return f"{number(value)} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def estimate(measured: Estimate, *, unit: bool = True, interval: bool = True) -> str:
    """A figure with its interval: `412 ms (380-455)`; without support `need n = 72`; never measured, `-`.

    `unit=False` leaves the unit out, for a table whose heading has it; `interval=False` the interval.
    """
    if measured.value is None:
        return f"need n = {count(measured.need)}" if measured.need else ABSENT
    text = _plain(measured.value, measured.unit) + (_SUFFIX[measured.unit] if unit else "")
    between = bounds(measured) if interval else ""
    return f"{text} ({between})" if between else text


def bounds(measured: Estimate) -> str:
    """The bounds of the 95 % interval without their unit, or "" where there is none."""
    if measured.low is None and measured.high is None:
        return ""
    ends = (math.nan if end is None else end for end in (measured.low, measured.high))
    return "-".join(_plain(end, measured.unit) for end in ends)


def points(difference: Estimate) -> str:
    """A difference of two shares with its interval: `-6.1 points (-7.4 to -4.7)`; never measured, `-`."""
    if difference.value is None:
        return ABSENT
    between = ""
    if difference.low is not None and difference.high is not None:
        between = f" ({_signed(difference.low)} to {_signed(difference.high)})"
    return f"{_signed(difference.value)} points{between}"


def together(numbers: Sequence[int]) -> str:
    """Several fixes at once, by their numbers: `Fixes 1, 2 and 5 together`."""
    if len(numbers) < 2:
        return f"Fix {numbers[0]} alone" if numbers else "All fixes together"
    *first, last = map(str, numbers)
    return f"Fixes {', '.join(first)} and {last} together"


def _signed(share: float) -> str:
    """Percentage points with their sign: one decimal, below one two; what rounds to none has no sign."""
    value = 100 * share
    rounded = round(value, 1 if abs(value) >= 1 else 2)
    return f"{'+' if rounded > 0 else ''}{number(rounded)}"


def _plain(value: float, unit: str) -> str:
    return _points(value) if unit == "probability" else number(value)


def _points(share: float) -> str:
    """Percentage points: one decimal, below one two digits; neither `0` nor `100` is said of what only comes near."""
    points = share * 100
    if 99.95 <= points < 100:
        return "> 99.9"
    return number(round(points, 1) if points >= 1 else float(f"{points:.2g}"))
