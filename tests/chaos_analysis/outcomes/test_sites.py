"""Call sites: outcomes counted, calls made besides, time added."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos_analysis.outcomes.folder import FARES, Folder

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_analysis.outcomes.sites import SiteOutcomes

NAME = "fares.py:quote http_client GET api/fares"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A run folder with a baseline of 20 right answers."""
    made = Folder(tmp_path)
    made.quiet()
    return made


def _only(folder: Folder) -> SiteOutcomes:
    (site,) = folder.evidence().sites
    return site


def test_outcomes_are_counted_by_call_and_fault(folder: Folder) -> None:
    """Each with its share among those that are known, and its interval."""
    for _ in range(3):
        folder.request().met("down").end()
    folder.request().met("down").end(500, left="ConnectionError", frame=FARES)
    folder.request().met("down").end(row=False)
    folder.request().met("slow", "latency", error=None, seconds=1.0).end(ms=1020.0)
    first, second = folder.evidence().sites
    assert (first.call, first.fault, first.events, str(first.site)) == (NAME, "connection_reset", 5, "fares.py:10")
    assert [(one.outcome, one.events) for one in first.outcomes] == [("handled", 3), ("propagated", 1), ("unknown", 1)]
    assert (first.outcomes[0].share.value, first.outcomes[0].share.n) == (0.75, 4)
    assert (second.fault, [one.outcome for one in second.outcomes]) == ("latency", ["handled"])


def test_retries_show_as_amplification(folder: Folder) -> None:
    """Three calls where fault-free requests make one, with an interval."""
    for number in range(10):
        story = folder.request().met("down")
        for _ in range(1 + number % 3):
            story.call()
        story.end()
    found = _only(folder).amplification
    assert found is not None
    assert found.value == pytest.approx(2.9)
    assert found.low is not None
    assert 2.0 < found.low < 2.9


def test_a_last_attempt_at_another_line_counts(folder: Folder) -> None:
    """Fault-free requests never get there."""
    for _ in range(3):
        folder.request().met("down").call(site=("fares.py", 14, "quote")).end()
    found = _only(folder).amplification
    assert found is not None
    assert found.value == 2.0


def test_requests_that_end_at_the_fault_make_no_more_calls(folder: Folder) -> None:
    """One call each, as without it."""
    for _ in range(5):
        folder.request().met("down").end(500)
    found = _only(folder).amplification
    assert found is not None
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_a_fan_out_is_no_amplification(tmp_path: Path) -> None:
    """Requests with many calls meet a fault sooner; they are compared with their like."""
    folder = Folder(tmp_path)
    for count in [1] * 40 + [9] * 40:
        story = folder.request("baseline")
        for number in range(count):
            story.call(target=f"GET api/fares?id={number}")
        story.end()
    for count in [1] * 2 + [9] * 18:  # nine times as many chances
        story = folder.request().met("down", target="GET api/fares?id=0")
        for number in range(1, count):
            story.call(target=f"GET api/fares?id={number}")
        story.end()
    found = _only(folder).amplification
    assert found is not None
    assert found.value == pytest.approx(1.0)


def test_without_noted_fault_free_calls_nothing_is_said_of_amplification(tmp_path: Path) -> None:
    """There is nothing to compare with."""
    folder = Folder(tmp_path)
    folder.request("baseline").end()
    folder.request().met("down").end()
    assert _only(folder).amplification is None


def test_time_added_stands_beside_time_injected(folder: Folder) -> None:
    """Medians over the requests that met nothing else; a caller that gives up sooner shows."""
    for _ in range(8):
        folder.request().met("slow", "latency", error=None, seconds=2.0).end(ms=2020.0)
    folder.request().met("slow", "latency", error=None, seconds=2.0).met("down").end(ms=9000.0)
    found = next(site for site in folder.evidence().sites if site.fault == "latency")
    assert found.injected is not None
    assert found.added is not None
    assert (found.injected.value, found.injected.n) == (2.0, 8)
    assert found.added.value == pytest.approx(2.0)
    assert found.added.low == pytest.approx(2.0)


def test_a_fault_without_a_delay_injects_no_time_and_may_add_some(folder: Folder) -> None:
    """What retries cost shows in what it added."""
    for _ in range(8):
        folder.request().met("down").end(ms=520.0)
    found = _only(folder)
    assert found.injected is None
    assert found.added is not None
    assert found.added.value == pytest.approx(0.5)


def test_the_edge_has_no_call_site_and_stands_last(folder: Folder) -> None:
    """Its faults are counted by kind."""
    story = folder.request()
    story.fault("edge", "exception", seam="wsgi")
    story.end(500)
    folder.request().met("down").end()
    first, last = folder.evidence().sites
    assert first.call == NAME
    assert (last.call, last.seam, last.site, last.amplification) == ("", "wsgi", None, None)


def test_a_fault_of_a_window_is_of_no_request_and_no_site(folder: Folder) -> None:
    """Nobody called anything there: it is told as it is."""
    story = folder.request()
    story.key = "process"
    story.fault("cpu", "cpu_pressure", seam="process", target="stage chaos")
    evidence = folder.evidence()
    assert evidence.outcomes["why"].tolist() == ["it befell a window of time, no single request"]
    assert evidence.sites == ()


def test_no_event_no_site(folder: Folder) -> None:
    """A run without faults."""
    assert folder.evidence().sites == ()
