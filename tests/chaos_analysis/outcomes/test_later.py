"""Failures that later requests suffered without a fault of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos_analysis.outcomes.folder import FARES, Folder

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_analysis.outcomes.later import Later


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A run folder with a baseline of 40 right answers."""
    made = Folder(tmp_path)
    made.quiet(40)
    return made


def _only(folder: Folder) -> Later:
    (found,) = folder.evidence().later
    return found


def test_a_poisoned_session_is_tied_to_the_fault_before(folder: Folder) -> None:
    """The exception is of another class, and comes from a function that calls the dependency."""
    for _ in range(5):
        folder.request().met("down").end(500, left="ConnectionError", frame=FARES)
        folder.quiet(2, stage="chaos", status=500, left="PendingRollbackError", frame=("fares.py", 12, "quote"))
    found = _only(folder)
    assert (found.dependency, found.failures, found.errors) == ("http_client api", 10, ("PendingRollbackError",))
    assert (found.rate.value, found.baseline.value) == (1.0, 0.0)
    assert found.q is not None
    assert found.q < 0.001


def test_a_dead_connection_shows_in_the_call_that_failed(folder: Folder) -> None:
    """No exception left the app; the ledger has the failed call of a request without a fault."""
    folder.request().met("down").end(503)
    for _ in range(5):
        folder.request().call(error="ConnectionError").end(503)
    assert _only(folder).failures == 5


def test_failures_elsewhere_are_not_counted(folder: Folder) -> None:
    """A bug of the app's own, in a function that calls nothing."""
    folder.request().met("down").end(500, left="ConnectionError", frame=FARES)
    folder.quiet(5, stage="chaos", status=500, left="KeyError", frame=("views.py", 3, "trip"))
    assert _only(folder).failures == 0


def test_what_fails_so_at_rest_is_no_consequence(tmp_path: Path) -> None:
    """The same share of failures in the baseline: the test is not significant."""
    folder = Folder(tmp_path)
    for stage in ("baseline", "chaos"):
        folder.quiet(20, stage=stage)
        folder.quiet(10, stage=stage, status=500, left="KeyError", frame=FARES)
        folder.request("chaos").met("down").end(500, left="ConnectionError", frame=FARES)
    found = _only(folder)
    assert found.failures > 0
    assert found.q is not None
    assert found.q > 0.05


def test_long_after_the_last_fault_nothing_is_its_consequence(folder: Folder) -> None:
    """Only the ten seconds after a fault count."""
    folder.request().met("down").end(500, left="ConnectionError", frame=FARES)
    folder.count += 200
    folder.quiet(5, stage="recovery", status=500, left="ConnectionError", frame=FARES)
    assert (_only(folder).failures, _only(folder).rate.n) == (0, 0)


def test_without_a_baseline_nothing_is_compared(tmp_path: Path) -> None:
    """The failures are told, the test cannot be made."""
    folder = Folder(tmp_path)
    folder.request().met("down").end(500, left="ConnectionError", frame=FARES)
    folder.quiet(5, stage="chaos", status=500, left="ConnectionError", frame=FARES)
    assert (_only(folder).failures, _only(folder).q) == (5, None)
