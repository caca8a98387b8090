"""The outcome of each fault event, each from a run folder that tells its story."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_analysis.outcomes import OUTCOMES
from tests.chaos_analysis.conftest import read_evidence
from tests.chaos_analysis.outcomes.folder import FARES, Folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chaos_analysis.world import Truth

LATENCY = {"fault": "latency", "error": None, "seconds": 2.0}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A run folder with a baseline of 20 right answers."""
    made = Folder(tmp_path)
    made.quiet()
    return made


def test_a_right_answer_means_handled(folder: Folder) -> None:
    """The call failed, the client did not notice."""
    folder.request().met("down").end()
    assert folder.outcomes() == ["handled"]


def test_a_call_made_again_means_retried(folder: Folder) -> None:
    """The same call once more, well, and a right answer; with how often and after which waits."""
    folder.request().met("down").call(error="ConnectionError", wait=0.1).call(wait=0.4).end()
    (found,) = folder.evidence().outcomes.itertuples()
    assert (found.outcome, found.attempts, found.recovered) == ("retried", 2, True)
    assert found.waits == pytest.approx((0.1, 0.4))


def test_a_retry_that_fails_is_none(folder: Folder) -> None:
    """Made again in vain, and the app answers an error: propagated, with its attempts."""
    story = folder.request().met("down").met("down", wait=0.1, occurrence=1)
    story.end(500, left="ConnectionError", frame=FARES)
    found = folder.evidence().outcomes
    assert found["outcome"].tolist() == ["propagated", "propagated"]
    assert found["attempts"].tolist() == [1, 0]


def test_a_retry_at_another_line_is_the_same_call(folder: Folder) -> None:
    """The last attempt stands outside the loop: its exception speaks for all of them."""
    story = folder.request().met("down").met("down", site=("fares.py", 14, "quote"), occurrence=1)
    story.end(500, left="ConnectionError", frame=("fares.py", 14, "quote"))
    assert folder.outcomes() == ["propagated", "propagated"]


def test_a_retry_in_vain_behind_a_fallback_is_handled(folder: Folder) -> None:
    """What gave the right answer was not the retry."""
    folder.request().met("down").call(error="ConnectionError").end()
    assert folder.outcomes() == ["handled"]


def test_calls_that_every_request_makes_twice_are_no_retry(tmp_path: Path) -> None:
    """The second call comes with or without a fault."""
    folder = Folder(tmp_path)
    for _ in range(20):
        folder.request("baseline").call().call().end()
    folder.request().met("down").call().end()
    assert folder.outcomes() == ["handled"]


def test_a_retry_with_new_values_is_one(folder: Folder) -> None:
    """A statement with another id each time is the same call, where fault-free requests make it once."""
    folder.request().met("down", target="GET api/fares?id=1").call(target="GET api/fares?id=2").end()
    assert folder.outcomes() == ["retried"]


def test_one_of_many_calls_in_a_loop_is_not_repeated_by_the_next(tmp_path: Path) -> None:
    """Requests fan out by themselves."""
    folder = Folder(tmp_path)
    for count in range(20):
        story = folder.request("baseline")
        for number in range(1 + count % 5):
            story.call(target=f"GET api/fares?id={number}")
        story.end()
    folder.request().met("down", target="GET api/fares?id=0").call(target="GET api/fares?id=1").end()
    assert folder.outcomes() == ["handled"]


def test_an_error_answer_is_propagated_with_its_exception_and_frame(folder: Folder) -> None:
    """Which exception left the app, where from, and to which status: direct evidence."""
    folder.request().met("down").end(500, left="ConnectionError", frame=FARES)
    (found,) = folder.evidence().outcomes.itertuples()
    assert (found.outcome, found.tier, found.status) == ("propagated", "direct", 500)
    assert (found.error, found.frame) == ("ConnectionError", "fares.py:10 quote")


@pytest.mark.parametrize(
    ("fault", "status", "outcome"),
    [("large_body", 413, "handled"), ("large_body", 500, "propagated"), ("http_error", 413, "propagated")],
)
def test_a_body_that_is_refused_is_handled(folder: Folder, fault: str, status: int, outcome: str) -> None:
    """One that a fault made far too long, by a 413 that says so. Any other error, or fault, is what it is."""
    story = folder.request()
    story.fault("edge", fault, seam="wsgi", did="0 of 20971520 bytes read")
    story.end(status)
    evidence = folder.evidence()
    assert evidence.outcomes["outcome"].tolist() == [outcome]
    assert [share.outcome for share in evidence.sites[0].outcomes] == [outcome]


def test_an_exception_from_elsewhere_does_not_name_the_fault(folder: Folder) -> None:
    """What a swallowed error led to is put down to the only fault there was, and not called direct."""
    folder.request().met("down").end(500, left="KeyError", frame=("views.py", 3, "trip"))
    (found,) = folder.evidence().outcomes.itertuples()
    assert (found.outcome, found.tier, found.frame) == ("propagated", "", "views.py:3 trip")


def test_an_error_that_the_app_caught_and_answered_is_propagated_too(folder: Folder) -> None:
    """An error handler made it a 503: no exception left the app, the call's own is told."""
    folder.request().met("down").end(503)
    (found,) = folder.evidence().outcomes.itertuples()
    assert (found.outcome, found.tier, found.error) == ("propagated", "", "ConnectionError")


@pytest.mark.parametrize("error_class", ["DeadlineError", "ReadTimeout", "GreenletExit"])
def test_a_client_that_gave_up_means_hung(folder: Folder, error_class: str) -> None:
    """By its deadline, its own timeout, or the end of the run."""
    folder.request().met("slow", **{**LATENCY, "seconds": 9.0}).end(0, error_class=error_class, ms=10_000)
    assert folder.outcomes() == ["hung"]


def test_no_answer_means_lost_or_crashed(folder: Folder) -> None:
    """Lost while the app lived to note the request's end, crashed where its process did not."""
    folder.request().met("down").end(0, error_class="ConnectionError")
    folder.request().met("down").end(0, error_class="ConnectionError", noted=False)
    assert folder.outcomes() == ["lost", "crashed"]


def test_a_failed_check_means_wrong(folder: Folder) -> None:
    """The answer says 200, the locustfile says it lacks its content."""
    folder.request().met("down").end(200, error_class="CatchResponseError")
    assert folder.outcomes() == ["wrong"]


def test_a_delay_that_was_waited_out_is_handled(folder: Folder) -> None:
    """It cost time and nothing else; the time added stands beside the time injected."""
    folder.request().met("slow", **LATENCY).end(ms=2020.0)
    (found,) = folder.evidence().outcomes.itertuples()
    assert found.outcome == "handled"
    assert (found.injected, found.added) == pytest.approx((2.0, 2.0))


def test_no_row_of_the_client_is_unknown(folder: Folder) -> None:
    """What the client got is not known."""
    folder.request().met("down").end(row=False)
    assert folder.outcomes() == ["unknown"]


def test_nothing_to_compare_with_is_unknown(tmp_path: Path) -> None:
    """Nobody knows whether the endpoint works at all; an exception that names the fault is known all the same."""
    folder = Folder(tmp_path)
    folder.request().met("down").end()
    folder.request().met("down").end(503)
    folder.request().met("down").end(500, left="ConnectionError", frame=FARES)
    assert folder.outcomes() == ["unknown", "unknown", "propagated"]


def test_what_is_broken_at_rest_is_no_outcome_of_a_fault(tmp_path: Path) -> None:
    """The route answers 500 in the baseline: with a fault too, but not because of it."""
    folder = Folder(tmp_path)
    folder.quiet(status=500, left="KeyError", frame=("views.py", 3, "trip"))
    folder.quiet(stage="chaos", status=500, left="KeyError", frame=("views.py", 3, "trip"))
    for _ in range(20):
        folder.request().met("down").end(500, left="KeyError", frame=("views.py", 3, "trip"))
    assert set(folder.outcomes()) == {"unknown"}


def test_a_dependency_that_is_down_at_rest_is_not_blamed_on_the_fault_that_repeats_it(tmp_path: Path) -> None:
    """The same exception from the same line comes without the fault."""
    folder = Folder(tmp_path)
    folder.quiet(18)
    folder.quiet(2, status=500, left="ConnectionError", frame=FARES)
    folder.request().met("down").end(500, left="ConnectionError", frame=FARES)
    assert folder.outcomes() == ["unknown"]


def test_what_fails_now_and_then_is_put_down_to_a_fault_that_always_fails_it(tmp_path: Path) -> None:
    """Fault-free requests fail so too, but hardly ever: the comparison shows the cause."""
    folder = Folder(tmp_path)
    folder.quiet(2, stage="chaos", status=500)
    folder.quiet(98, stage="chaos")
    for _ in range(20):
        folder.request().met("down").end(500)
    found = folder.evidence().outcomes
    assert set(zip(found["outcome"], found["tier"], strict=True)) == {("propagated", "causal")}


def test_a_failed_check_that_fails_at_rest_is_unknown(tmp_path: Path) -> None:
    """The locustfile's own mistake is not the app's."""
    folder = Folder(tmp_path)
    folder.quiet(10)
    folder.quiet(10, error_class="CatchResponseError")
    folder.request().met("down").end(200, error_class="CatchResponseError")
    assert folder.outcomes() == ["unknown"]


def test_of_two_faults_the_one_that_the_exception_names_is_blamed(folder: Folder) -> None:
    """The other one is unknown: nobody saw what would have become of it alone."""
    story = folder.request().met("slow", **LATENCY, site=("pay.py", 5, "pay"), target="POST pay/payments")
    story.met("down").end(500, left="ConnectionError", frame=FARES)
    found = folder.evidence().outcomes
    assert found["outcome"].tolist() == ["unknown", "propagated"]
    assert found["why"].tolist()[0] == "another fault decided the answer: down"


def test_of_two_faults_that_both_could_have_done_it_none_is_blamed(folder: Folder) -> None:
    """No exception left the app, and neither was met alone."""
    story = folder.request().met("down").met("refused", site=("pay.py", 5, "pay"), target="POST pay/payments")
    story.end(503)
    assert folder.outcomes() == ["unknown", "unknown"]


def test_a_decoy_beside_a_lethal_fault_is_not_blamed(folder: Folder) -> None:
    """Two rules meet the same calls; alone, one is survived and the other is not."""
    folder.quiet(50, stage="chaos")
    cache = {"site": ("cache.py", 2, "get"), "target": "GET cache/x"}
    for _ in range(15):
        folder.request().met("decoy", **cache).end()
        folder.request().met("lethal").end(503)
        folder.request().met("decoy", **cache).met("lethal").end(503)
    found = folder.evidence().outcomes
    both = found[~found["alone"]]
    assert set(zip(both["rule"], both["outcome"], strict=True)) == {("decoy", "unknown"), ("lethal", "propagated")}
    assert set(found.loc[found["rule"] == "decoy", "outcome"]) == {"handled", "unknown"}


def test_a_delay_beside_a_failure_of_the_apps_own_is_not_blamed(folder: Folder) -> None:
    """The call went through; that the answer is an error has another reason."""
    folder.request().met("slow", **LATENCY).end(500)
    assert folder.outcomes() == ["unknown"]


def test_faults_at_the_edge_have_an_outcome_too(folder: Folder) -> None:
    """The app has no say there: an exception shows as 5xx, a reset as no answer, a delay as a late right one."""
    for fault, status, error in (
        ("exception", 500, None),
        ("connection_reset", 0, "ConnectionError"),
        ("latency", 200, None),
    ):
        story = folder.request()
        story.fault(f"edge-{fault}", fault, seam="wsgi")
        story.end(status, error_class=error)
    found = folder.evidence().outcomes
    assert found["outcome"].tolist() == ["propagated", "lost", "handled"]
    assert set(found["call"]) == {""}


def test_an_unsupported_fault_did_nothing(folder: Folder) -> None:
    """It says nothing of the app."""
    story = folder.request()
    story.fault("reset", seam="wsgi", did="unsupported")
    story.end()
    assert folder.outcomes() == ["unknown"]


def test_a_made_up_run_has_one_outcome_for_each_event(make_run: Callable[..., tuple[Path, Truth]]) -> None:
    """All events of a run with all kinds of trouble, in words that are known."""
    path, truth = make_run(requests=1500, own_bug=0.1, collateral=0.1)
    found = read_evidence(path).outcomes
    assert set(found["id"]) == truth.events
    assert set(found["outcome"]) <= set(OUTCOMES)
    here = found[found["call"].str.startswith("planner/payments.py:authorise http_client POST")]
    assert set(here["outcome"]) == {"propagated"}


def test_a_run_without_faults_has_no_outcome(folder: Folder) -> None:
    """An empty table with its columns."""
    found = folder.evidence().outcomes
    assert len(found) == 0
    assert {"outcome", "call", "added"} <= set(found.columns)
