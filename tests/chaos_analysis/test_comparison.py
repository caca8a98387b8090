"""What the causal tests have to see by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.checks import control
from tests.chaos_analysis.outcomes.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path


def _folder(path: Path) -> Folder:
    """Two endpoints: one with 100 requests without a fault and 20 with, the other with 5 and 10."""
    folder = Folder(path)
    for endpoint, free, met in (("GET /trip", 100, 20), ("GET /rare", 5, 10)):
        folder.quiet(free, stage="chaos", endpoint=endpoint)
        for _ in range(met):
            folder.request("chaos", endpoint).met("down").end()
    return folder


def test_a_rule_is_seen_by_where_it_was_met_most(tmp_path: Path) -> None:
    """Endpoints are not pooled, as the tests do not pool them."""
    seen = _folder(tmp_path).evidence().comparison("down")
    assert seen[:4] == ("GET /trip", 20, 100, 0)
    assert seen.rise is not None
    assert 0 < seen.rise < 0.5


def test_a_rule_that_nobody_met_alone_is_not_seen(tmp_path: Path) -> None:
    """It is told of the endpoint with most fault-free requests."""
    seen = _folder(tmp_path).evidence().comparison("other")
    assert (seen.endpoint, seen.alone, seen.rise) == ("GET /trip", 0, None)


def test_without_any_request_nothing_is_seen(tmp_path: Path) -> None:
    """An empty run has no comparison to offer."""
    assert Folder(tmp_path).evidence().comparison("down").rise is None


def test_the_check_says_how_many_met_none_one_and_several(tmp_path: Path) -> None:
    """And for each rule which rise it would show, where."""
    folder = _folder(tmp_path)
    folder.request().met("down").met("other", target="POST pay/x").end()
    check = control.check(folder.evidence())
    assert check.summary.startswith("105 requests met no fault while faults were on, 30 exactly one, 1 several")
    (detail,) = check.details
    assert detail.startswith("down: 30 requests with this fault alone; a rise in failures of GET /trip (20 against 100")
