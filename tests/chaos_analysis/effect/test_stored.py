"""What was measured, in a run folder."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from chaos_analysis.effect import judge, stored
from chaos_analysis.effect.stored import Step, Stored
from tests.chaos_analysis.report import sample

if TYPE_CHECKING:
    from pathlib import Path

GOOD, BAD = judge([sample.measured(81, 1)]), judge([sample.measured(0, 30)])


def test_a_measurement_adds_to_those_of_other_patches(tmp_path: Path) -> None:
    """Proposals by their diffs, patches of somebody's own by their names; the same one again takes the place."""
    stored.write(Stored({"1": GOOD, "2": GOOD}, own={"mine": GOOD, "other": GOOD}, seconds=9.0), tmp_path)
    stored.write(Stored({"2": BAD}, own={"other": BAD}, placebo=GOOD), tmp_path)
    known = Stored({"1": GOOD, "2": BAD}, own={"mine": GOOD, "other": BAD}, placebo=GOOD)
    assert stored.read(tmp_path) == known


def test_the_steps_are_those_of_the_last_loop(tmp_path: Path) -> None:
    """A measurement that was no loop leaves them; a loop that made none takes the place of one that did."""
    stored.write(Stored({}, steps=(Step(1, "Retry", GOOD),), ended="no patch is left"), tmp_path)
    stored.write(Stored({"1": GOOD}), tmp_path)
    assert [step.number for step in stored.read(tmp_path).steps] == [1]
    stored.write(Stored({}, ended="no other patch improves what there is"), tmp_path)
    assert stored.read(tmp_path) == Stored({"1": GOOD}, ended="no other patch improves what there is")


def test_a_void_measurement_replaces_nothing(tmp_path: Path) -> None:
    """It is told that it was void, and no more."""
    first = Stored({"1": GOOD}, own={"mine": GOOD})
    stored.write(first, tmp_path)
    stored.write(Stored({"1": BAD}, own={"mine": BAD}, void="noise"), tmp_path)
    assert stored.read(tmp_path) == replace(first, void="noise")


def test_what_cannot_be_read_is_nothing(tmp_path: Path) -> None:
    """A folder in which nothing was measured, and a file that was cut short; one of an older kind is read."""
    assert stored.read(tmp_path) == Stored({})
    file = stored.write(Stored({}, void="noise"), tmp_path)
    value = json.loads(file.read_text())
    del value["own"]
    file.write_text(json.dumps(value))
    assert stored.read(tmp_path) == Stored({}, void="noise")
    file.write_text(file.read_text()[:-20])
    assert stored.read(tmp_path) == Stored({})
