"""Answers that only look good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chaos_analysis.effect.hollow import hollow
from tests.chaos_analysis.outcomes.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path

CHARGE = "POST pay/charges"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """40 good answers of one shape."""
    made = Folder(tmp_path)
    made.shape("full", "fare.amount:number", "name:string")
    made.shape("error", "error:string")
    for number in range(40):
        made.request("baseline", "POST /trip").call(target=CHARGE).end(content=f"full.{number:08x}")
    return made


def judged(folder: Folder) -> list[bool]:
    """Each request's answer, beside a run in which nothing happened."""
    beside = Folder(folder.path / "beside")
    return hollow(folder.evidence(), beside.evidence()).tolist()


def last(folder: Folder) -> bool:
    """Whether the last request's answer is hollow; none of the good ones is."""
    found = judged(folder)
    assert not any(found[:40])
    return bool(found[-1])


@pytest.mark.parametrize(
    ("ending", "is_hollow"),
    [
        ({}, True),
        ({"status": 500}, False),
        ({"status": 404}, False),
        ({"status": 303}, True),
        ({"error_class": "CatchResponseError"}, False),
    ],
    ids=["200", "500", "404", "303", "the client noticed"],
)
def test_a_write_that_never_happened(folder: Folder, ending: dict[str, Any], *, is_hollow: bool) -> None:
    """Behind an answer that says it did; one that owns up to it is not hollow."""
    folder.request("chaos", "POST /trip").met("down", target=CHARGE).end(**{"content": "full.1", **ending})
    assert last(folder) is is_hollow


def test_a_write_that_succeeded_the_second_time_happened(folder: Folder) -> None:
    """A retry rescues."""
    folder.request("chaos", "POST /trip").met("down", target=CHARGE).call(target=CHARGE).end(content="full.1")
    assert last(folder) is False


def test_a_write_that_failed_each_time_did_not(folder: Folder) -> None:
    """Nor by the status of its answer; a status that refuses is the other's decision, made known."""
    story = folder.request("chaos", "POST /trip").met("down", target=CHARGE)
    story.call(target=CHARGE, status=503).end(content="full.1")
    assert last(folder) is True
    folder.request("chaos", "POST /trip").call(target=CHARGE, status=409).end(content="full.1")
    assert last(folder) is False


def test_one_of_two_writes_that_never_happened_is_enough(folder: Folder) -> None:
    """The other one's success does not make up for it; a read that failed is no write."""
    folder.request("chaos", "POST /trip").call(target="POST stock/holds").met("down", target=CHARGE).end(
        content="full.1"
    )
    assert last(folder) is True
    folder.request("chaos", "POST /trip").met("down", target="GET api/fares").end(content="full.1")
    assert last(folder) is False


def test_content_that_is_not_there(folder: Folder) -> None:
    """200 over an error's content, often enough to be the faults' doing."""
    for _ in range(3):
        folder.request("chaos", "POST /trip").met("down", target="GET api/fares").end(content="error.1")
    assert last(folder) is True


def test_an_app_that_calls_nothing(tmp_path: Path) -> None:
    """It has no write that could be lost."""
    bare = Folder(tmp_path)
    bare.request().end()
    assert judged(bare) == [False]


def test_what_is_usual_is_told_by_both_sides(tmp_path: Path) -> None:
    """12 good answers are too few to say that an error is none of them; with 12 of the other side they are enough."""
    sides = [Folder(tmp_path / name) for name in ("base", "other")]
    for side in sides:
        side.shape("full", "fare.amount:number", "name:string")
        side.shape("error", "error:string")
        for number in range(12):
            side.request("baseline").call().end(content=f"full.{number:08x}")
        for _ in range(6):
            side.request().met("down").end(content="error.1")
    base, other = (side.evidence() for side in sides)
    nothing = Folder(tmp_path / "nothing").evidence()
    assert sum(hollow(other, nothing)) == 0
    assert hollow(other, base).tolist() == [False] * 12 + [True] * 6
