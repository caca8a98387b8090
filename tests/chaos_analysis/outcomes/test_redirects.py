"""Redirects, followed as a user would: one row of the client, two answers of the app under one key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos_analysis.outcomes.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path


def _redirected(folder: Folder, route: str, *, faulted: bool = False, stage: str = "baseline") -> None:
    """POST /book answers 302, and the client follows it to `route`, which answers 200."""
    story = folder.request(stage, "POST /book")
    if faulted:
        story.met("down")
    else:
        story.call()
    story.end(302, row=False)
    story.endpoint = route
    story.end(200, row=False)
    story.endpoint = "POST /book"
    story.end(200, noted=False)


@pytest.mark.parametrize(("route", "outcome"), [("GET /sorry", "propagated"), ("GET /bookings/<id>", "handled")])
def test_a_redirect_to_where_others_never_end_is_an_error(tmp_path: Path, route: str, outcome: str) -> None:
    """The client ends at a page that says 200; fault-free requests end at their booking."""
    folder = Folder(tmp_path)
    for _ in range(10):
        _redirected(folder, "GET /bookings/<id>")
    _redirected(folder, route, faulted=True, stage="chaos")
    (found,) = folder.evidence().outcomes.itertuples()
    assert found.outcome == outcome
    assert found.why == (f"redirected to {route}" if outcome == "propagated" else "")


def test_where_each_request_ends_elsewhere_another_end_is_nothing_new(tmp_path: Path) -> None:
    """Addresses without a route's name differ by nature."""
    folder = Folder(tmp_path)
    for number in range(20):
        _redirected(folder, f"GET /bookings/{number}")
    _redirected(folder, "GET /bookings/99", faulted=True, stage="chaos")
    assert folder.outcomes() == ["handled"]


def test_without_noted_fault_free_requests_no_end_is_known(tmp_path: Path) -> None:
    """Nobody noted where they end."""
    folder = Folder(tmp_path)
    folder.quiet(20, endpoint="POST /book", noted=False)
    _redirected(folder, "GET /sorry", faulted=True, stage="chaos")
    assert folder.outcomes() == ["handled"]
