"""What `chaos-test fix verify` tells of what was measured."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

from chaos_analysis.effect import Effect, Gate, judge
from chaos_test.fix.verification import Outcome, Told, show
from tests.chaos_analysis.report import sample

if TYPE_CHECKING:
    from pathlib import Path

GOOD, NOTHING, BAD = (judge([sample.measured(*counts)]) for counts in ((81, 1), (0, 0), (0, 30)))
REFUSED = judge([], (Gate("applies", ok=False, summary="app[0].py is not there"),))


def told(run_dir: Path, *effects: Effect) -> list[str]:
    """The lines, of patches numbered from 1."""
    console = Console(file=io.StringIO(), width=200, highlight=False)
    patches = tuple(Told(at, f"patch-{at}", effect) for at, effect in enumerate(effects, start=1))
    show(console, Outcome(patches, None, NOTHING, ""), run_dir, 61.0)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_the_best_comes_first(tmp_path: Path) -> None:
    """By the failures that it takes away; what does harm comes after what does nothing, what was not played last."""
    lines = told(tmp_path, REFUSED, BAD, NOTHING, GOOD)
    named = [line.split()[-1] for line in lines if line.split()[-1:]]
    assert [name for name in named if name.startswith("patch-")] == ["patch-4", "patch-3", "patch-2", "patch-1"]
    assert "1: applies: app[0].py is not there" in lines


def test_another_condition_has_a_line_of_its_own(tmp_path: Path) -> None:
    """With its figures, below the patch; without a verdict, unless it is certain that failures are taken away there."""
    lines = told(tmp_path, judge([sample.measured(81, 1), sample.measured(0, 9, condition="outage")]))
    at = next(n for n, line in enumerate(lines) if line.endswith("patch-1"))
    assert lines[at].split() == ["1", "improved", "30", "%", "→", "22", "%", "81", "1", "x", "1", "patch-1"]
    assert lines[at + 1].split() == ["30", "%", "→", "30.9", "%", "0", "9", "x", "1", "under", "outage"]
    lines = told(tmp_path, judge([sample.measured(0, 0), sample.measured(31, 1, condition="outage")]))
    (line,) = (line for line in lines if line.endswith("under outage"))
    assert line.split()[:4] == ["improved", "30", "%", "→"]
