"""When the bench makes a run once more: where others took the machine, and only if it went wrong."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.truth import __main__ as bench
from benchmarks.truth import run as running
from benchmarks.truth.collect import Service
from benchmarks.truth.judge import judge
from benchmarks.truth.run import Ran
from benchmarks.truth.table import lines
from tests.benchmarks.truth.test_judge import DEFECT, TWIN, finding

CROWDED = "other programs took 90 % of the machine in chaos"
GOOD = Ran(Path(), 0.0, (finding(),))
BAD = Ran(Path(), 0.0)
CROWDED_BAD = replace(BAD, crowded=CROWDED)


class Pool:
    """Instead of a pool of processes: gives what was made beforehand, and notes what was asked for."""

    def __init__(self, made: dict[str, list[Ran]]) -> None:
        self.left, self.asked = {title: list(runs) for title, runs in made.items()}, []

    def __call__(self, *_: Any, **__: Any) -> Pool:
        return self

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None: ...

    def submit(self, _run: Any, service: Service, *_: Any, **__: Any) -> Future[Ran]:
        """As a pool does."""
        self.asked.append(service.title)
        done: Future[Ran] = Future()
        done.set_result(self.left[service.title].pop(0))
        return done


def all_of(monkeypatch: pytest.MonkeyPatch, *made: tuple[Service, list[Ran]]) -> tuple[dict[str, Ran], Pool]:
    """What the bench yields of services whose runs are these."""
    pool = Pool({service.title: runs for service, runs in made})
    monkeypatch.setattr(bench, "ProcessPoolExecutor", pool)
    ran = bench._all([service for service, _ in made], [1], Path(), {}, jobs=2, mend=False)
    return {service.title: one for service, one in ran}, pool


@pytest.mark.parametrize(
    ("made", "missed"),
    [
        ([GOOD], False),
        ([BAD], True),
        ([replace(GOOD, crowded=CROWDED)], False),
        ([CROWDED_BAD, GOOD], False),
        ([CROWDED_BAD, BAD], True),
        ([replace(GOOD, crowded=CROWDED, error="the app ended"), GOOD], False),
        ([CROWDED_BAD, CROWDED_BAD, GOOD], False),
        ([CROWDED_BAD, CROWDED_BAD, CROWDED_BAD], True),
    ],
)
def test_only_what_went_wrong_in_a_crowd_is_run_again(
    made: list[Ran], missed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three times at most; the lines of the last run say why it is not the first."""
    found, pool = all_of(monkeypatch, (DEFECT, made))
    ran = found[DEFECT.title]
    judged = judge(DEFECT, ran.patterns)
    assert (len(pool.asked), bool(judged.missed)) == (len(made), missed)
    told = "\n".join(lines(DEFECT, ran, judged))
    assert told.count("went wrong") == len(made) - 1
    assert (f"run 1 went wrong: {CROWDED}" in told) is (len(made) > 1)


def test_it_is_run_when_all_others_are_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """A false finding on a twin, too."""
    found, pool = all_of(monkeypatch, (TWIN, [replace(GOOD, crowded=CROWDED), BAD]), (DEFECT, [GOOD]))
    assert pool.asked == [TWIN.title, DEFECT.title, TWIN.title]
    assert found[TWIN.title].patterns == ()


def test_what_an_earlier_run_left_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each begins in an empty folder."""

    def once(_service: Any, _seed: int, folder: Path, *_: Any, **__: Any) -> Ran:
        assert not any(folder.iterdir())
        (folder / "console.log").touch()
        return GOOD

    monkeypatch.setattr(running, "_run", once)
    assert [running.run(DEFECT, 1, tmp_path, dict, mending=False).error for _ in "ab"] == ["", ""]
