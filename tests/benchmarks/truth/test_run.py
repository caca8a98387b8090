"""When the bench makes a run once more: where others took the machine, and only if it went wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.truth import run as bench
from benchmarks.truth.run import Ran
from benchmarks.truth.table import lines
from tests.benchmarks.truth.test_judge import DEFECT, TWIN, finding

CROWDED = "other programs took 90 % of the machine in chaos"
GOOD = Ran(Path(), 0.0, (finding(),))
BAD = Ran(Path(), 0.0)


@pytest.mark.parametrize(
    ("made", "runs", "missed"),
    [
        ([GOOD], 1, False),
        ([BAD], 1, True),
        ([replace(GOOD, crowded=CROWDED)], 1, False),
        ([replace(BAD, crowded=CROWDED), GOOD], 2, False),
        ([replace(GOOD, crowded=CROWDED, error="the app ended"), GOOD], 2, False),
        ([replace(BAD, crowded=CROWDED), replace(BAD, crowded=CROWDED)], 2, True),
    ],
    ids=["good", "bad", "good, crowded", "bad, crowded", "worth nothing, crowded", "bad twice"],
)
def test_only_what_went_wrong_in_a_crowd_is_run_again(
    made: list[Ran], runs: int, missed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, in a folder that is empty again; the line of the second run says why there were two."""
    left = list(made)

    def once(_service: Any, _seed: int, folder: Path, *_: Any, **__: Any) -> Ran:
        assert not any(folder.iterdir())
        (folder / "console.log").touch()
        return left.pop(0)

    monkeypatch.setattr(bench, "_run", once)
    ran = bench.run(DEFECT, 1, tmp_path, dict, mending=False)
    judged = bench.judge(DEFECT, ran.patterns)
    assert (len(made) - len(left), bool(judged.missed)) == (runs, missed)
    assert (f"the second run, for in the first {CROWDED}" in "\n".join(lines(DEFECT, ran, judged))) is (runs == 2)


def test_a_false_finding_in_a_crowd_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On twins, too."""
    left = [replace(GOOD, crowded=CROWDED), BAD]
    monkeypatch.setattr(bench, "_run", lambda *_, **__: left.pop(0))
    assert bench.run(TWIN, 1, tmp_path, dict, mending=False).patterns == ()
