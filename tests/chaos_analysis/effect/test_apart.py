"""Where two runs of the same code differ, by made-up runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_analysis.effect import apart, measure, own_names, rest
from tests.chaos_analysis.outcomes.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path

BLOCKS = {f"0.{n}": 1 + n % 3 for n in range(1, 400)}
TOP, CACHED = "GET /reports/top", "GET /items"


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Folder, Folder]:
    """The same code twice; to be filled alike."""
    return Folder(tmp_path / "base"), Folder(tmp_path / "again")


def written(sides: tuple[Folder, Folder]) -> tuple[Path, Path]:
    """Both run folders."""
    for side in sides:
        side.evidence()
    return sides[0].path, sides[1].path


@pytest.mark.parametrize(("broken", "found"), [(6, {TOP: "0 rescued, 6 newly broken"}), (5, {})])
def test_an_endpoint_that_fails_in_one_of_them_only(
    sides: tuple[Folder, Folder], broken: int, found: dict[str, str]
) -> None:
    """By more than chance, in so many iterations; another endpoint, which fails in both, is not one of them."""
    for side, status in zip(sides, (200, 500), strict=True):
        side.quiet(20)
        side.quiet(8, status=500)
        side.quiet(broken, endpoint=TOP, status=status)
    assert apart(*written(sides), BLOCKS) == found
    assert rest(sides[0].path, sides[1].path, BLOCKS) == found


def test_an_endpoint_that_reaches_less(sides: tuple[Folder, Folder]) -> None:
    """It is named with the call; one that does not make that call is not."""
    for side, often in zip(sides, (30, 19), strict=True):
        side.quiet(40)
        for n in range(30):
            story = side.request(endpoint=CACHED).call()
            (story.call(target="SELECT items", seam="database") if n < often else story).end()
    assert apart(*written(sides), BLOCKS) == {CACHED: "database SELECT items: 19 instead of 30 times"}


def test_where_most_requests_differ_no_endpoint_is_to_blame(sides: tuple[Folder, Folder]) -> None:
    """What is left would speak for too few; it is still said where they differ."""
    for side, status in zip(sides, (200, 500), strict=True):
        side.quiet(20)
        side.quiet(21, endpoint=TOP, status=status)
    assert TOP in apart(*written(sides), BLOCKS)
    assert rest(sides[0].path, sides[1].path, BLOCKS) == {}


def test_what_is_left_out_is_not_counted(sides: tuple[Folder, Folder]) -> None:
    """Neither its requests nor its calls."""
    for side, (status, often) in zip(sides, ((200, 40), (500, 10)), strict=True):
        side.quiet(40)
        side.quiet(25, endpoint=TOP, status=status)
        for n in range(40):
            story = side.request(endpoint=CACHED)
            (story.call(target="SELECT items", seam="database") if n < often else story).end()
    found = measure(*written(sides), BLOCKS)
    assert (found.pairs, found.broken) == (105, 25)
    assert next(gate for gate in found.gates if gate.name == "injection points").ok is False
    found = measure(sides[0].path, sides[1].path, BLOCKS, without=[TOP, CACHED])
    assert (found.pairs, found.broken) == (40, 0)
    assert all(gate.ok is not False for gate in found.gates)


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (("ab:item", "cd:item"), [("cache GET 127.0.0.1 ab:item", "cache GET 127.0.0.1 cd:item")]),
        (("ab:item", "ab:item"), []),
        (("ab:item", None), []),
    ],
    ids=["each its own", "the same", "not made"],
)
def test_calls_that_have_a_name_of_their_own_in_each(
    sides: tuple[Folder, Folder], keys: tuple[str, str | None], found: list[tuple[str, str]]
) -> None:
    """A call that only one of them makes is none: that may be chance, and one that both name alike is the same."""
    for side, key in zip(sides, keys, strict=True):
        for _ in range(5):
            story = side.request().call()
            (story.call(target=f"GET 127.0.0.1 {key}", seam="cache") if key else story).end()
    assert own_names(*written(sides)) == found


def test_a_few_calls_of_ones_own_are_no_name(sides: tuple[Folder, Folder]) -> None:
    """Keys that are made up as they come differ, too."""
    for side, key in zip(sides, ("ab", "cd"), strict=True):
        side.quiet(10)
        for _ in range(4):
            side.request().call(target=f"GET 127.0.0.1 {key}", seam="cache").end()
    assert own_names(*written(sides)) == []
