"""Patterns of two sides: the same call is the same pattern, wherever its line is; what comes and goes is no change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chaos_analysis.compare import compare_arms, steady
from chaos_analysis.compare.found import changes
from chaos_analysis.rundir import open_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Recorded = Callable[..., Path]

TWO_CALLS = "def stock():\n    lamp = get('/lamp')\n    desk = get('/desk')\n"
MENDED = "import again\n\n\ndef stock():\n    lamp = again(get, '/lamp')\n    desk = get('/desk')\n"
EDITED = "def stock():\n    lamp = get('/lamp', timeout=3)\n    # seldom there\n    desk = get('/desk')\n"


def pattern(at: int, title: str, id_: str = "no_retry:shop.py:stock", failures: int = 5) -> dict[str, Any]:
    """A pattern of a call at a line of shop.py."""
    site = {"file": "shop.py", "line": at, "function": "stock"} if at else None
    return {"id": id_, "title": title, "severity": "high", "failures": failures, "site": site}


def second(at: int, title: str) -> dict[str, Any]:
    """The pattern of the second call in the function."""
    return pattern(at, title, "no_retry:shop.py:stock#2")


@pytest.fixture
def shown(tmp_path: Path) -> Callable[..., Path]:
    """Writes a run folder in which an analysis left patterns."""

    def make(name: str, *patterns: dict[str, Any], source: str = TWO_CALLS, run: str = "") -> Path:
        folder = tmp_path / name
        (folder / "sources").mkdir(parents=True)
        (folder / "sources" / "shop.py").write_text(source)
        (folder / "run.json").write_text(json.dumps({"id": run or name, "app": {"target": "shop:app"}}))
        (folder / "failure-patterns.json").write_text(json.dumps({"patterns": patterns}))
        return folder

    return make


def states(base: Path, other: Path) -> dict[str, str]:
    """What became of each pattern, by its title."""
    return {each.title: each.state for each in changes([open_run(base)], [open_run(other)])[0]}


def test_a_line_that_moved_is_no_change(shown: Recorded) -> None:
    """The title says where it is now."""
    found = states(shown("a", pattern(2, "Ask the lamp")), shown("b", pattern(5, "Ask the lamp"), source=MENDED))
    assert found == {"Ask the lamp, at shop.py:5": "stayed"}


def test_the_second_call_stays_itself_when_the_first_is_mended(shown: Recorded) -> None:
    """It has the first one's id by then; its line of source says which it is."""
    both = shown("a", pattern(2, "Ask the lamp"), second(3, "Ask the desk"))
    one = shown("b", pattern(6, "Ask the desk"), source=MENDED)
    assert states(both, one) == {"Ask the desk, at shop.py:6": "stayed", "Ask the lamp, at shop.py:2": "disappeared"}


def test_the_second_call_is_what_appears_where_it_was_the_first_that_is_known(shown: Recorded) -> None:
    """The other way round."""
    one = shown("a", pattern(6, "Ask the desk"), source=MENDED)
    both = shown("b", pattern(2, "Ask the lamp"), second(3, "Ask the desk"))
    assert states(one, both) == {"Ask the desk, at shop.py:3": "stayed", "Ask the lamp, at shop.py:2": "appeared"}


def test_a_call_that_was_edited_is_still_that_call(shown: Recorded) -> None:
    """The other one is known by its line; what is left over is what is left over."""
    before = shown("a", pattern(2, "Ask the lamp"), second(3, "Ask the desk"))
    after = shown("b", pattern(2, "Ask the lamp"), second(4, "Ask the desk"), source=EDITED)
    found = changes([open_run(before)], [open_run(after)])[0]
    assert {each.id: (each.title, each.state) for each in found} == {
        "no_retry:shop.py:stock": ("Ask the lamp, at shop.py:2", "stayed"),
        "no_retry:shop.py:stock#2": ("Ask the desk, at shop.py:4", "stayed"),
    }


def test_a_name_with_a_number_is_no_second_call(shown: Recorded) -> None:
    """Only calls are numbered; an invariant may be called what its author likes."""
    names = [pattern(0, f"Gate #{at}", f"invariant_violated:gate #{at}") for at in (1, 2)]
    assert states(shown("a", *names), shown("b", names[1])) == {"Gate #1": "disappeared", "Gate #2": "stayed"}


def test_runs_of_one_name_are_two_runs(shown: Recorded) -> None:
    """Arms of two comparisons are both called `before`."""
    one, two = shown("a", pattern(2, "Ask the lamp"), run="before"), shown("b", run="before")
    assert states(one, two) == {"Ask the lamp, at shop.py:2": "disappeared"}


def test_arms_have_patterns_and_what_comes_and_goes_by_itself_is_no_change(recorded: Recorded) -> None:
    """Of two arms of the same code one shows `shaky`; only what both show, or neither, can change."""
    sure, shaky, fresh = (pattern(0, name, name) for name in ("sure", "shaky", "fresh"))
    shows = {"before": [sure], "again": [sure, shaky], "after": [shaky, fresh]}
    arms = {name: recorded(name, requests=400) for name in shows}
    for name, patterns in shows.items():
        (arms[name] / "failure-patterns.json").write_text(json.dumps({"patterns": patterns}))
    blocks = {f"{user}.{turn}": turn % 7 for user in range(100) for turn in range(100)}
    itself = compare_arms(arms["before"], arms["again"], blocks)
    found = compare_arms(arms["before"], arms["after"], blocks)
    assert {each.id: each.state for each in found.patterns} == {
        "shaky": "appeared",
        "fresh": "appeared",
        "sure": "disappeared",
    }
    told = steady(found, itself)
    assert {each.id: each.state for each in told.patterns} == {"fresh": "appeared", "sure": "disappeared"}
    (note,) = set(told.notes) - set(found.notes)
    assert note == "Comes and goes by itself, without a change of the code, and is left out: shaky."
    assert steady(found, compare_arms(arms["before"], arms["before"], blocks)) == found
