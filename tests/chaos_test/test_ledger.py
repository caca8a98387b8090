"""A part of a ledger that goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_test.ledger import Slice

if TYPE_CHECKING:
    from pathlib import Path

OPEN = '{"kind": "open", "pid": 1}\n'
PLAN = '{"kind": "plan", "plan": 1}\n'
FAULT = '{"kind": "fault", "id": "%s"}\n'


@pytest.fixture
def faults(tmp_path: Path) -> Path:
    """The ledger of a process that has served a test already."""
    folder = tmp_path / "faults"
    folder.mkdir()
    (folder / "1-1.jsonl").write_text(OPEN + PLAN + FAULT % "old" + "{cut short\n")
    (folder / "1-1.reached").write_text("0.0.1\tchaos\t1\n")
    return folder


def append(file: Path, text: str) -> None:
    """Go on with a ledger."""
    with file.open("a") as stream:
        stream.write(text)


def test_only_what_is_new_is_taken_with_the_plans_it_needs(tmp_path: Path, faults: Path) -> None:
    """Who wrote, and which rules a number stands for, is needed again; old faults and old requests are not."""
    part = Slice(tmp_path)
    append(faults / "1-1.jsonl", FAULT % "new")
    append(faults / "1-1.reached", "0.0.2\tchaos\t1\n")
    part.take(tmp_path / "test" / "faults")
    assert (tmp_path / "test" / "faults" / "1-1.jsonl").read_text() == OPEN + PLAN + FAULT % "new"
    assert (tmp_path / "test" / "faults" / "1-1.reached").read_text() == "0.0.2\tchaos\t1\n"


def test_a_second_take_begins_where_the_first_ended(tmp_path: Path, faults: Path) -> None:
    """Each test gets its own part, and a process that came later is whole in the part in which it came."""
    part = Slice(tmp_path)
    append(faults / "1-1.jsonl", FAULT % "one")
    part.take(tmp_path / "one")
    append(faults / "1-1.jsonl", FAULT % "two")
    append(faults / "2-1.jsonl", OPEN + FAULT % "three")
    part.take(tmp_path / "two")
    assert (tmp_path / "two" / "1-1.jsonl").read_text() == OPEN + PLAN + FAULT % "two"
    assert (tmp_path / "two" / "2-1.jsonl").read_text() == OPEN + FAULT % "three"


def test_a_process_that_wrote_nothing_is_left_out(tmp_path: Path, faults: Path) -> None:
    """A worker that ended long ago is not part of a later test."""
    Slice(tmp_path).take(tmp_path / "test")
    assert list((tmp_path / "test").iterdir()) == []
