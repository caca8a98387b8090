"""Whether what must be true could be checked at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chaos_analysis.checks import invariants
from tests.chaos_analysis.conftest import read_evidence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chaos_analysis.model import Check


@pytest.fixture
def check(make_run: Callable[..., Any]) -> Callable[..., Check]:
    """What the check says of a run with these lines in `invariants.jsonl`."""

    def run(*lines: dict[str, Any]) -> Check:
        folder: Path = make_run(requests=200)[0]
        known = {"version": 1, "checked": True, "violations": [], "more": 0, "error": None, "seconds": 0.1, "facts": 9}
        (folder / "invariants.jsonl").write_text("".join(json.dumps({**known, **line}) + "\n" for line in lines))
        return invariants.check(read_evidence(folder))

    return run


def test_a_run_whose_users_state_none_is_told(check: Callable[..., Check]) -> None:
    """Unknown, which is no failure."""
    assert check().ok is None


def test_violations_are_findings_and_pass_this_check(check: Callable[..., Check]) -> None:
    """It asks whether everything was checked."""
    wrong = [{"text": "booking 7 is gone", "keys": ["0.0.book"], "suspects": []}]
    found = check({"name": "one"}, {"name": "two", "violations": wrong})
    assert found.ok
    assert found.summary == "1 of 2 invariants held, 1 violated, against 9 facts that the users noted"


def test_what_could_not_be_checked_is_never_called_held(check: Callable[..., Check]) -> None:
    """With the reason; the run stays valid."""
    found = check({"name": "one"}, {"name": "two", "checked": False, "error": "KeyError: 'id' (users.py:7)"})
    assert (found.ok, found.fatal) == (False, False)
    assert found.summary.startswith("1 of 2 invariants held, 1 could not be checked")
    assert found.details == ("two: could not be checked: KeyError: 'id' (users.py:7)",)
