"""The bench itself: marks are read from the source, and every kind of wrong finding is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.truth.case import Case
from benchmarks.truth.collect import Mark, Service
from benchmarks.truth.judge import judge

ABOUT = Case(
    finder="missing_timeout",
    endpoints=["GET /items"],
    rules=[{"name": "slow"}, {"name": "harmless"}],
    lethal=["slow"],
    also={"slow_recovery": "it has to drain"},
    allowed={"tail_latency": "it waits"},
)
MARKS = (Mark("missing_timeout", 12, required=True), Mark("dependency_error", 14, required=False))
DEFECT = Service("shop", "defect", "defect", ABOUT, MARKS)
TWIN = Service("shop", "twin", "twin", ABOUT, ())
ENDPOINT = replace(DEFECT, about=replace(ABOUT, where="GET /items"), marks=())


def finding(finder: str = "missing_timeout", line: int | None = 12, **more: Any) -> dict[str, Any]:
    """A finding at a line of the case's file."""
    site = line and {"file": "shop.py", "line": line, "function": "items"}
    return {
        "finder": finder,
        "severity": "high",
        "title": "it waits",
        "site": site,
        "endpoint": "GET /items",
        "rules": ["slow"],
        **more,
    }


def test_the_marked_line_is_found() -> None:
    """One finding at the one marked line: found, at the right site."""
    judged = judge(DEFECT, [finding()])
    assert (judged.found, judged.right, judged.good) == (1, 1, True)


@pytest.mark.parametrize(
    "findings",
    [[], [finding(severity="low")], [finding(finder="dependency_error", line=14)]],
    ids=["nothing", "only low", "only what may be found too"],
)
def test_what_nobody_found_is_missed(findings: list[dict[str, Any]]) -> None:
    """A low finding is no claim, and another finder's is not this one's."""
    judged = judge(DEFECT, findings)
    assert judged.missed == ("missing_timeout at shop.py:12",)
    assert not judged.good


@pytest.mark.parametrize(
    "wrong",
    [
        finding(line=20),
        finding(line=None),
        finding(line=14),
        finding(rules=["harmless", "slow"]),
        finding(finder="dependency_error", line=12),
        finding(site={"file": "other.py", "line": 12, "function": "items"}),
    ],
    ids=["other line", "no line", "another finder's line", "harmless rule", "its own line", "other file"],
)
def test_another_site_or_rule_is_wrong(wrong: dict[str, Any]) -> None:
    """Beside the right finding, one of these finders at another place or with another rule."""
    judged = judge(DEFECT, [finding(), wrong])
    assert (judged.found, len(judged.wrong), judged.good) == (1, 1, False)


def test_other_findings_on_a_defect_are_false_unless_the_case_explains_them() -> None:
    """What the case says the defect leads to is fine, anything else is not, `allowed` does not count here."""
    assert judge(DEFECT, [finding(), finding("slow_recovery", None)]).good
    (false,) = judge(DEFECT, [finding(), finding("tail_latency", None)]).false
    assert false.finder == "tail_latency"


def test_any_finding_on_a_twin_is_false_unless_it_is_allowed() -> None:
    """The case's own finder too, wherever it points; low ones are no claims."""
    assert judge(TWIN, [finding("tail_latency", None), finding(severity="low")]).good
    assert [said.finder for said in judge(TWIN, [finding(), finding("slow_recovery", None)]).false] == [
        "missing_timeout",
        "slow_recovery",
    ]


def test_a_finder_without_a_site_is_held_to_the_endpoint() -> None:
    """Right on the case's endpoint, wrong on another, missed where only the other was found."""
    assert judge(ENDPOINT, [finding(line=None)]).good
    judged = judge(ENDPOINT, [finding(line=None, endpoint="GET /about")])
    assert (len(judged.wrong), judged.missed) == (1, ("missing_timeout of GET /items",))
