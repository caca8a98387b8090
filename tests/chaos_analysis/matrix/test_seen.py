"""What became of a cell's requests: held against the fault-free answers of all runs of a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_analysis.matrix import Planned, Point, seen
from tests.chaos_analysis.outcomes.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_analysis.matrix.seen import Seen


@pytest.fixture
def discovery(tmp_path: Path) -> Folder:
    """The run without faults."""
    return _run(tmp_path, "discovery")


@pytest.fixture
def batch(tmp_path: Path) -> Folder:
    """A run in which a cell is met."""
    return _run(tmp_path, "batch-1")


def _run(tmp_path: Path, name: str) -> Folder:
    made = Folder(tmp_path / name)
    made.shape("full", "id:number", "on_hand:number")
    made.shape("less", "id:number", "on_hand:null", "degraded:boolean=true")
    return made


def _found(discovery: Folder, *batches: Folder) -> Seen:
    discovery.evidence()
    calls = {str(call) for each in batches for call in each.evidence().outcomes["call"]}
    (call,) = calls
    point = Point("GET /trip", "http_client", "GET api/fares", call, None, 1)
    names = [each.path.name for each in batches]
    return seen(discovery.path.parent, names, [Planned("down", 0, "refused")], [point])


def test_answers_are_held_against_the_fault_free_ones_of_all_runs(discovery: Folder, batch: Folder) -> None:
    """Neither run alone has the 20 that tell: a default in place of what the address always has is wrong."""
    discovery.quiet(12, content="full.aaaaaaaa")
    batch.quiet(6, content="full.aaaaaaaa")
    for _ in range(3):
        batch.request().met("down").end(content="full.00000000")
    batch.quiet(6, content="full.aaaaaaaa")
    assert _found(discovery, batch) == {"down": {"wrong": 3}}


def test_the_very_answer_is_fine(discovery: Folder, batch: Folder) -> None:
    """To the byte, a single fault-free answer is enough."""
    discovery.quiet(1, content="full.aaaaaaaa")
    batch.request().met("down").end(content="full.aaaaaaaa")
    assert _found(discovery, batch) == {"down": {"handled": 1}}


def test_too_few_fault_free_answers_leave_it_unknown(discovery: Folder, batch: Folder) -> None:
    """An answer of the usual structure, with another content than the few others to its address, may be a default."""
    discovery.quiet(5, content="full.aaaaaaaa")
    batch.request().met("down").end(content="full.00000000")
    assert _found(discovery, batch) == {"down": {"unknown": 1}}


def test_an_address_that_nobody_else_went_to_is_unknown_where_all_others_stay_as_they_are(
    discovery: Folder, batch: Folder
) -> None:
    """Its content cannot be held against anything, and contents are what would show a default."""
    discovery.quiet(30, content="full.aaaaaaaa")
    batch.request().met("down").end(content="full.00000000", path="/trip?to=mars")
    assert _found(discovery, batch) == {"down": {"unknown": 1}}


def test_where_contents_change_by_themselves_the_structure_tells(discovery: Folder, batch: Folder) -> None:
    """Fault-free answers to the address differ from each other, so another one is as fine as they are."""
    for number in range(5):
        discovery.quiet(1, content=f"full.{number:08x}")
    batch.request().met("down").end(content="full.ffffffff")
    assert _found(discovery, batch) == {"down": {"handled": 1}}


def test_nothing_to_hold_an_answer_against_leaves_it_unknown(discovery: Folder, batch: Folder) -> None:
    """A good status alone does not make it fine."""
    discovery.quiet(30)
    batch.request().met("down").end(content="full.aaaaaaaa")
    assert _found(discovery, batch) == {"down": {"unknown": 1}}


def test_a_flag_is_believed_however_few_answers_there_are(discovery: Folder, batch: Folder) -> None:
    """`degraded: true`, which no fault-free answer says."""
    discovery.quiet(3, content="full.aaaaaaaa")
    batch.request().met("down").end(content="less.1")
    assert _found(discovery, batch) == {"down": {"degraded": 1}}


def test_a_flag_that_fault_free_answers_have_too_says_nothing(discovery: Folder, batch: Folder) -> None:
    """The app is so by itself."""
    discovery.quiet(3, content="less.1")
    discovery.quiet(3, content="full.1")
    batch.request().met("down").end(content="less.1")
    assert _found(discovery, batch) == {"down": {"handled": 1}}


def test_an_error_is_an_error_whatever_it_holds(discovery: Folder, batch: Folder) -> None:
    """Only answers that look well have to be compared."""
    discovery.quiet(3, content="full.1")
    batch.request().met("down").end(503)
    assert _found(discovery, batch) == {"down": {"propagated": 1}}
