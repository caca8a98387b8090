"""A comparison in a terminal, wide or narrow."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from chaos_analysis.compare import Comparison, Group, PatternChange, Side
from chaos_analysis.effect import Gate
from chaos_analysis.model import Estimate
from chaos_test.compare.show import show

SIDE = Side(("a",), (1,), (), 400)
RATE = Estimate(0.208, 0.167, 0.257, 312, "probability")
GROUP = Group(
    kind="all",
    name="GET /api/destinations/[slug]/fares",
    verdict="inconclusive",
    reason="9 rescued",
    need=313,
    requests=(312, 312),
    before=RATE,
    after=RATE,
    difference=Estimate(-0.029, -0.049, -0.008, 312, "probability"),
    rescued=9,
    broken=0,
    p_value=0.03,
    useful=Estimate(0.892, 0.773, 1.03, 6, "ratio"),
    useful_p=0.1,
)
FOUND = Comparison(
    SIDE,
    SIDE,
    "paired",
    "worse",
    "the app's tests: they fail",
    interleaved=True,
    groups=(GROUP,),
    patterns=(
        PatternChange("one", "GET /items/[id] answers 500", "high", "appeared", (0, 3)),
        PatternChange("two", "No timeout", "high", "stayed", (2, 2)),
    ),
    gates=(
        Gate("the app's tests", ok=False, summary="they fail"),
        Gate("invariants", ok=None, summary="the load states none"),
        Gate("honest answers", ok=False, summary="9 were wrong [sic]"),
        Gate("injection points", ok=True, summary="as before"),
    ),
    notes=("Comes and goes by itself: GET /items/[id] is slow.",),
)


def shown(width: int) -> list[str]:
    """The lines on a terminal of that width."""
    console = Console(file=(said := io.StringIO()), width=width, highlight=False)
    show(console, FOUND, Path("there/comparison.md"), 3.0)
    return said.getvalue().splitlines()


@pytest.mark.parametrize(
    ("width", "heads"),
    [
        (160, ["verdict", "difference, points", "failed, %", "broken", "requests", "to a useful answer"]),
        (100, ["verdict", "difference, points", "failed, %", "broken", "requests"]),
        (80, ["verdict", "difference, points", "failed, %"]),
        (50, ["verdict"]),
    ],
)
def test_no_figure_is_cut_short(width: int, heads: list[str]) -> None:
    """What does not fit is left out from the last column on, and names are cut before figures are."""
    lines = shown(width)
    (head,) = (line for line in lines if "verdict" in line)
    assert head.rstrip().endswith(heads[-1])
    assert [each for each in heads if each not in head] == []
    (row,) = (line for line in lines if line.startswith("GET /api"))
    assert len(row.rstrip()) <= width
    assert row.startswith("GET /api/destinations/[slug]/fares " if width == 160 else "GET /api/destin")
    assert ("x 0.892 (0.773-1.03)" in row) == (width == 160)
    assert "inconclusive, need 313" in row


def test_what_does_not_hold_is_told_once_and_what_was_not_asked_too() -> None:
    """The gate that is the verdict's reason is not said again, and what holds is silent."""
    text = "\n".join(shown(160))
    assert text.count("they fail") == 1
    assert "? invariants: the load states none" in text
    assert "! honest answers: 9 were wrong [sic]" in text
    assert "injection points" not in text


def test_patterns_are_counted_and_those_that_changed_are_named() -> None:
    """Brackets in a route are text."""
    text = "\n".join(shown(160))
    assert "patterns: 1 appeared, 1 stayed" in text
    assert "appeared: GET /items/[id] answers 500" in text
    assert "GET /items/[id] is slow." in text
    assert "No timeout" not in text
