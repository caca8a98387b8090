"""Right, degraded or wrong: the content of answers beside those of fault-free requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos_analysis.outcomes.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path

FULL = ("fare.amount:number", "name:string", "seats:number")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """40 fault-free answers of one shape and always another content, half of them before the test's own requests."""
    made = Folder(tmp_path)
    made.shape("full", *FULL)
    for number in range(40):
        made.request("baseline").call().end(content=f"full.{number:08x}")
    return made


def _found(folder: Folder, content: str, times: int = 1) -> tuple[str, str, str]:
    for _ in range(times):
        folder.request().met("down").end(content=content)
    (found, *_) = folder.evidence().outcomes.itertuples()
    return found.outcome, found.why, found.judged


def test_an_answer_made_as_all_others_is_right(folder: Folder) -> None:
    """Its content may differ, as theirs do."""
    assert _found(folder, "full.ffffffff") == ("handled", "", "shape")


@pytest.mark.parametrize(
    ("paths", "outcome", "why"),
    [
        (("name:string", "seats:number"), "degraded", "it lacks `fare.amount`"),
        (("fare:null", "name:string", "seats:number"), "degraded", "it lacks `fare.amount`"),
        ((*FULL, "degraded:boolean"), "degraded", "it says so: `degraded:boolean`"),
        ((*FULL, "note:string"), "degraded", "it has `note:string`, which others have not"),
        (("fare:string", "name:string", "seats:number"), "degraded", "it lacks `fare.amount`"),
        (("error:string",), "wrong", "nothing of its usual content: `fare.amount`, `name`, `seats`"),
        (("empty",), "wrong", "nothing of its usual content: `fare.amount`, `name`, `seats`"),
        (("error:string", "stale:boolean"), "degraded", "it says so: `stale:boolean`"),
        ((*FULL, "header warning"), "degraded", "it says so: `header warning`"),
        (("...",), "handled", ""),
    ],
)
def test_an_answer_made_otherwise_is_degraded_or_wrong(
    folder: Folder, paths: tuple[str, ...], outcome: str, why: str
) -> None:
    """Degraded where it says so or a part is left; wrong where nothing is; nothing is said of what was cut short."""
    folder.shape("other", *paths)
    assert _found(folder, "other.1")[:2] == (outcome, why)


def test_a_marker_that_all_answers_carry_is_told_by_its_value(tmp_path: Path) -> None:
    """`degraded: false` is everywhere, `degraded: true` is not."""
    folder = Folder(tmp_path)
    folder.shape("fine", "name:string", "degraded:boolean=false")
    folder.shape("less", "name:string", "degraded:boolean=true")
    folder.quiet(40, content="fine.1")
    assert _found(folder, "less.1")[:2] == ("degraded", "it says so: `degraded:boolean=true`")


def test_a_header_that_is_gone_is_no_loss(tmp_path: Path) -> None:
    """`X-Cache` comes and goes with caches; only what is there can mark an answer."""
    folder = Folder(tmp_path)
    folder.shape("cached", *FULL, "header x-cache=cached")
    folder.shape("fresh", *FULL)
    folder.quiet(40, content="cached.1")
    assert _found(folder, "fresh.1")[0] == "handled"


def test_a_list_without_elements_is_not_what_it_was(tmp_path: Path) -> None:
    """Fault-free answers always have some; an answer of nothing but an empty list has lost them."""
    folder = Folder(tmp_path)
    folder.shape("list", "items[].name:string")
    folder.shape("none", "items[]:empty")
    folder.quiet(40, content="list.1")
    assert _found(folder, "none.1")[0] == "wrong"


def test_shapes_that_come_and_go_by_themselves_prove_nothing(tmp_path: Path) -> None:
    """Where every answer is made otherwise, a new shape is nothing new."""
    folder = Folder(tmp_path)
    for number in range(40):
        folder.shape(f"s{number}", f"key{number}:string")
        folder.request("baseline").call().end(content=f"s{number}.1")
    folder.shape("new", "key:string")
    assert _found(folder, "new.1") == ("handled", "", "status")


def test_few_fault_free_answers_prove_nothing(tmp_path: Path) -> None:
    """Below 20 nobody knows what is usual."""
    folder = Folder(tmp_path)
    folder.shape("full", *FULL)
    folder.shape("less", "name:string")
    folder.quiet(15, content="full.1")
    assert _found(folder, "less.1") == ("handled", "", "status")


def test_one_new_shape_among_many_faulted_answers_may_be_chance(folder: Folder) -> None:
    """Seldom shapes turn up without a fault too, and faulted answers are many."""
    folder.shape("less", "name:string")
    for _ in range(60):
        folder.request().met("down").end(content="full.1")
    folder.request().met("down").end(content="less.1")
    assert set(folder.outcomes()) == {"handled"}


def _unchanging(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    folder.shape("page", "text/html")
    folder.quiet(20, content="page.aaaaaaaa")
    return folder


def test_another_content_at_an_unchanging_address_is_wrong(tmp_path: Path) -> None:
    """Every answer before and after was the same to the byte, and nothing marks this one."""
    folder = _unchanging(tmp_path)
    folder.request().met("down").end(content="page.bbbbbbbb")
    folder.quiet(5, stage="recovery", content="page.aaaaaaaa")
    (found,) = folder.evidence().outcomes.itertuples()
    assert (found.outcome, found.judged) == ("wrong", "content")


def test_the_same_content_is_right_to_the_byte(tmp_path: Path) -> None:
    """The strongest judgement there is."""
    assert _found(_unchanging(tmp_path), "page.aaaaaaaa") == ("handled", "", "content")


def test_a_content_that_changed_for_good_is_not_wrong(tmp_path: Path) -> None:
    """Nobody had the old content again: the service has moved on."""
    assert _found(_unchanging(tmp_path), "page.bbbbbbbb", times=5)[0] == "handled"


def test_few_answers_to_each_of_many_addresses_show_that_contents_stay(tmp_path: Path) -> None:
    """Three to each of twelve; what none of them was before and after, with the fault alone, is wrong."""
    folder = Folder(tmp_path)
    folder.shape("fines", "cents:number")
    for number in range(24):
        folder.request("baseline").call().end(content=f"fines.{number % 12:08x}", path=f"/fines/{number % 12}")
    for number in range(6):
        folder.request().met("down").end(content="fines.ffffffff", path=f"/fines/{number}")
    for number in range(12):
        folder.request("recovery").call().end(content=f"fines.{number:08x}", path=f"/fines/{number}")
    found = folder.evidence().outcomes
    assert set(found["outcome"]) == {"wrong"}
    assert set(found["judged"]) == {"content"}


def test_contents_that_change_by_themselves_prove_nothing(tmp_path: Path) -> None:
    """Where one answer in eight differs from others to its address, a fault has not made it so."""
    folder = Folder(tmp_path)
    folder.shape("fines", "cents:number")
    for number in range(48):
        changed = number % 8 == 7
        folder.request("baseline").call().end(content=f"fines.{number if changed else 0:08x}", path=f"/{number % 12}")
    folder.request().met("down").end(content="fines.ffffffff", path="/1")
    folder.quiet(5, stage="recovery", content="fines.00000000", path="/1")
    assert folder.outcomes() == ["handled"]


def test_what_fault_free_answers_lack_too_since_the_faults_is_no_right_answer(folder: Folder) -> None:
    """A fault may have left it behind, as in a cache: nobody can tell from this answer."""
    folder.shape("less", "name:null", "seats:number")
    for _ in range(10):
        folder.request().met("down").end(content="less.1")
        folder.request().call().end(content="less.1")
    found = folder.evidence().outcomes
    assert set(found["outcome"]) == {"unknown"}
    assert set(found["why"]) == {"it lacks what answers had before the first fault, and so do fault-free answers since"}


def test_what_a_fault_leaves_behind_is_its_work_where_most_answers_with_it_are_so(folder: Folder) -> None:
    """A few fault-free answers since are so as well: far fewer."""
    folder.shape("less", "name:null", "seats:number")
    for number in range(30):
        folder.request().met("down").end(content="less.1" if number % 2 else f"full.a{number:07x}")
        folder.request().call().end(content="less.1" if number < 2 else f"full.b{number:07x}")
    found = folder.evidence().outcomes
    assert sorted(set(zip(found["outcome"], found["why"], found["tier"], strict=True))) == [
        ("degraded", "it lacks `fare.amount`, `name`", "causal"),
        ("handled", "", ""),
    ]


def test_what_fault_free_answers_have_more_in_time_is_right(folder: Folder) -> None:
    """A list fills up while the load goes on."""
    folder.shape("more", *FULL, "notes[].text:string")
    for _ in range(10):
        folder.request().call().end(content="more.1")
        folder.request().met("down").end(content="more.1")
    assert set(folder.outcomes()) == {"handled"}


def test_another_address_is_another_content(tmp_path: Path) -> None:
    """Contents are compared at the same path and query only."""
    folder = _unchanging(tmp_path)
    folder.request().met("down").end(content="page.bbbbbbbb", path="/trip?to=mars")
    folder.quiet(5, stage="recovery", content="page.aaaaaaaa")
    assert folder.outcomes() == ["handled"]


def test_answers_to_writes_differ_by_nature(tmp_path: Path) -> None:
    """A POST's answer names what it made."""
    folder = Folder(tmp_path)
    folder.shape("made", "id:number")
    folder.quiet(20, endpoint="POST /trip", content="made.a")
    folder.request(endpoint="POST /trip").met("down").end(content="made.b")
    folder.quiet(5, stage="recovery", endpoint="POST /trip", content="made.a")
    assert folder.outcomes() == ["handled"]


def test_a_failed_check_outweighs_the_content(folder: Folder) -> None:
    """The locustfile knows better."""
    folder.request().met("down").end(error_class="CatchResponseError", content="full.1")
    assert folder.outcomes() == ["wrong"]


def test_content_proves_the_cause_by_comparison(folder: Folder) -> None:
    """Reduced only with this fault, never without: causal."""
    folder.shape("less", "name:string")
    for _ in range(5):
        folder.request().met("down").end(content="less.1")
    assert set(folder.evidence().outcomes["tier"]) == {"causal"}


def test_an_unusual_status_is_no_right_answer(folder: Folder) -> None:
    """202 where all others say 200 is less than they say; a redirect leads elsewhere."""
    folder.request().met("down").end(202)
    folder.request().met("down").end(302)
    found = folder.evidence().outcomes
    assert found["outcome"].tolist() == ["degraded", "propagated"]
    assert found["why"].tolist() == ["202 instead of 200", "302 instead of 200"]
