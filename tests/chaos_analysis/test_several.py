"""The model tier: which of several faults in one request does it, and when nothing may be claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_analysis.patterns import dependency_error
from tests.chaos_analysis.outcomes.folder import FARES, Folder

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_analysis.several import Modelled

PAY = {"site": ("pay.py", 5, "pay"), "target": "POST pay/payments"}
SEATS = {"site": ("seats.py", 7, "seats"), "target": "GET seats/free"}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A run folder with 20 right answers in the baseline and 80 in chaos."""
    made = Folder(tmp_path)
    made.quiet()
    made.quiet(80, stage="chaos")
    return made


def _met(folder: Folder, times: int, *rules: str, status: int = 200) -> None:
    """Requests with these faults, each at its own call."""
    where = {"lethal": {"site": FARES}, "pay": PAY, "seats": SEATS}
    for _ in range(times):
        story = folder.request()
        for rule in rules:
            story.met(rule, **where[rule])
        story.end(status)


def _by_rule(folder: Folder) -> dict[str, Modelled]:
    return {one.rule: one for one in folder.evidence().modelled}


def _hidden(folder: Folder) -> None:
    """The lethal fault is never met alone; the two that come with it are, and are survived."""
    _met(folder, 30, "pay")
    _met(folder, 30, "seats")
    _met(folder, 10, "lethal", "pay", status=503)
    _met(folder, 10, "lethal", "seats", status=503)


def test_a_fault_that_never_comes_alone_is_found_by_the_model(folder: Folder) -> None:
    """With its interval; those that come with it are not claimed."""
    _hidden(folder)
    found = _by_rule(folder)
    assert {rule for rule, one in found.items() if one.claimed} == {"lethal"}
    one = found["lethal"]
    assert (one.alone, one.together) == (0, 20)
    assert one.rate.low is not None
    assert one.rate.low > one.baseline


def test_the_model_names_the_outcome_and_the_finding(folder: Folder) -> None:
    """Its tier is told in both; the other fault's outcome stays unknown."""
    _hidden(folder)
    evidence = folder.evidence()
    table = evidence.outcomes[~evidence.outcomes["alone"]]
    told = set(zip(table["rule"], table["outcome"], table["tier"], strict=True))
    assert told == {("lethal", "propagated", "model"), ("pay", "unknown", ""), ("seats", "unknown", "")}
    (pattern,) = dependency_error.find(evidence)
    assert (pattern.evidence, str(pattern.site)) == ("model", "fares.py:10")


def test_what_shows_alone_needs_no_model(folder: Folder) -> None:
    """The tier above has said it."""
    _met(folder, 20, "lethal", status=503)
    _met(folder, 20, "lethal", "pay", status=503)
    _met(folder, 20, "pay")
    evidence = folder.evidence()
    assert [one.why_not for one in evidence.modelled if one.rule == "lethal"] == [
        "requests with this fault alone show it"
    ]
    assert evidence.proven("GET /trip", "lethal") == "causal"
    assert evidence.proven("GET /trip", "pay") == ""


def test_two_faults_that_fail_only_together_are_not_claimed(folder: Folder) -> None:
    """Each alone is survived, as the comparison had the power to see: the model must not contradict it."""
    _met(folder, 40, "pay")
    _met(folder, 40, "seats")
    _met(folder, 40, "pay", "seats", status=503)
    found = _by_rule(folder)
    assert {one.why_not for one in found.values()} == {"requests with this fault alone do not fail so"}


def test_faults_that_always_come_together_are_not_claimed(folder: Folder) -> None:
    """Either could be it."""
    _met(folder, 30, "pay", "seats", status=503)
    found = _by_rule(folder)
    assert {one.why_not for one in found.values()} == {"failures do not rise with it significantly"}


def test_requests_with_one_fault_each_ask_nothing_of_the_model(folder: Folder) -> None:
    """It is for several at once."""
    _met(folder, 10, "lethal", status=503)
    assert folder.evidence().modelled == ()
