"""The app's own tests on two revisions: real git, real exports, the real interpreter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_analysis.compare import Comparison, Side
from chaos_analysis.effect import Gate
from chaos_test.compare import own_tests
from chaos_test.compare.exports import commit_of, export
from chaos_test.replay.copies import tree_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chaos_test.compare.exports import Exported
    from chaos_test.plan import Plan

NAME = "the app's tests"
PASSES, FAILS, NONE = Gate(NAME, True, "2 passed"), Gate(NAME, False, "1 failed"), Gate(NAME, None, "it has none")


@pytest.fixture
def sides(planned: Callable[..., Plan], tmp_path: Path) -> Callable[..., list[Exported]]:
    """Exports revisions of the shop that have so many lamps."""

    def make(*lamps: int) -> list[Exported]:
        made = planned(*lamps)
        assert made.target.dir is not None
        tree = tree_of(made.target.dir)
        refs = [f"HEAD~{len(lamps) - 1 - at}" for at in range(len(lamps))]
        return [export(made, tree, ref, commit_of(tree, ref), tmp_path / "out" / ref) for ref in refs]

    return make


@pytest.mark.parametrize(
    ("lamps", "ok", "said"),
    [
        ((2, 2), True, "they pass on both sides (before: 2 lamps; after: 2 lamps)"),
        ((2, 3), False, "they pass before and fail after (before: 2 lamps; after: 3 lamps)"),
        ((3, 2), True, "they fail before and pass after (before: 3 lamps; after: 2 lamps)"),
        ((3, 4), None, "they fail on both sides, which judges neither (before: 3 lamps; after: 4 lamps)"),
    ],
)
def test_each_revision_is_asked_for_itself(
    sides: Callable[..., list[Exported]], lamps: tuple[int, int], ok: bool | None, said: str
) -> None:
    """By the command in pyproject.toml, in its own folder: what passes before must pass after."""
    assert own_tests.ask(sides(*lamps), lambda: False) == Gate(NAME, ok, said)


def test_they_end_when_the_user_stops(sides: Callable[..., list[Exported]]) -> None:
    """Neither side is waited for."""
    told = own_tests.ask(sides(2, 2), lambda: True)
    assert (told.ok, told.summary.count("stopped by you")) == (None, 2)


def test_what_is_missing_on_a_side_judges_nothing() -> None:
    """No tests are told as none; tests that only one side has, or can run, have nothing to be held against."""
    assert own_tests.of_both(NONE, NONE) == NONE
    for before, after in ((NONE, FAILS), (PASSES, NONE)):
        told = own_tests.of_both(before, after)
        assert (told.ok, told.summary.startswith("only one side was asked (before: ")) == (None, True)


def test_bars_are_no_summary() -> None:
    """A quiet pytest ends with its progress where tests pass, and with why it stopped where one fails."""
    dots = Gate(NAME, True, "............ [100%]")
    assert own_tests.of_both(dots, dots).summary == "they pass on both sides"
    bars = Gate(NAME, False, "!!!!!!!!! stopping after 1 failures !!!!!!!!!")
    assert own_tests.of_both(dots, bars).summary == "they pass before and fail after (after: stopping after 1 failures)"


def test_tests_that_break_make_it_worse_whatever_was_measured() -> None:
    """The reason is theirs; what the requests came to is told all the same."""
    side = Side(("a",), (1,), (), 400)
    found = Comparison(side, side, "paired", "improved", "9 rescued", gates=(Gate("invariants", None, "none"),))
    broken = own_tests.judged(found, own_tests.of_both(PASSES, FAILS))
    assert broken.verdict == "worse"
    assert broken.reason == f"{NAME}: they pass before and fail after (before: 2 passed; after: 1 failed)"
    assert broken.notes == ("By the requests alone: improved, 9 rescued.",)
    for before, after in ((PASSES, PASSES), (FAILS, FAILS), (NONE, NONE), (FAILS, PASSES)):
        told = own_tests.judged(found, own_tests.of_both(before, after))
        assert (told.verdict, told.reason, told.notes) == ("improved", "9 rescued", ())
        assert [gate.name for gate in told.gates] == [NAME, "invariants"]
