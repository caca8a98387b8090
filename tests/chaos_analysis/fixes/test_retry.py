"""When a retry is proposed, with how many attempts, and with which timeout."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.retry import Retry
from chaos_analysis.model import Site
from tests.chaos_analysis.fixes.http_run import PRICE, SHOP, STOCK, Noted, pattern, proposals

if TYPE_CHECKING:
    from pathlib import Path

SLOW = pattern("missing_timeout", STOCK, faults=("latency",))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with the source of an app."""
    (tmp_path / "shop.py").write_text(SHOP)
    return tmp_path


def test_slow_answers_without_a_limit_get_a_timeout_and_a_retry_in_one_patch(shop: Path) -> None:
    """The timeout that would be proposed alone is in the retry's patch too, and so is why; both are proposed."""
    found = proposals(shop, [SLOW], noted=[Noted(STOCK)], asked=[{"type": "latency", "seconds": 1.0}], deadline=10.0)
    (bound,), (retry,) = found["http_timeout"], found["retry"]
    assert "+    return http.get(url, timeout=(1.05, 0.25))" in bound.diff
    assert "+    return http.get(url, timeout=(1.05, 0.25))" in retry.diff
    assert "total=2," in retry.diff
    assert "p99 of 400 fault-free calls" in retry.why
    assert "The worst wait is 4.2 s" in retry.caution


def test_a_delay_that_the_timeout_would_not_end_gets_no_retry(shop: Path) -> None:
    """Waiting 0.2 s is within the measured timeout of 0.25 s: nothing would be repeated."""
    found = proposals(shop, [SLOW], noted=[Noted(STOCK)], asked=[{"type": "latency", "seconds": 0.2}])
    assert set(found) == {"http_timeout"}


@pytest.mark.parametrize(("deadline", "total"), [(None, 2), (4.5, 2), (4.0, 1), (2.7, 1)])
def test_as_many_attempts_as_end_before_the_client_gives_up(shop: Path, deadline: float | None, total: int) -> None:
    """Three attempts of 1.3 s and 0.3 s of pauses need 4.2 s, two need 2.6 s."""
    found = proposals(shop, [pattern("dependency_error", STOCK)], noted=[Noted(STOCK)], deadline=deadline)
    assert f"total={total}," in found["retry"][0].diff


@pytest.mark.parametrize("noted", [Noted(STOCK), Noted(STOCK, timeout=(3.0, 3.0))])
def test_a_retry_that_the_client_would_not_wait_for_is_not_made(shop: Path, noted: Noted) -> None:
    """Not even two attempts end within 2 s, by the measured timeout or by the app's own: said in words."""
    found = proposals(shop, [pattern("dependency_error", STOCK)], noted=[noted], deadline=2.0)
    (retry,) = found["retry"]
    assert not retry.diff
    assert "do not end within the 2 s that the client waits" in str(retry.why_no_diff)


def test_the_apps_own_timeout_stays(shop: Path) -> None:
    """Calls that have a limit are repeated with it: the patch changes no call."""
    found = proposals(shop, [pattern("dependency_error", STOCK)], noted=[Noted(STOCK, timeout=(1, 1))], deadline=10.0)
    assert "timeout" not in "".join(line for line in found["retry"][0].diff.splitlines() if line[0] == "+")
    assert "The worst wait is 6.3 s" in found["retry"][0].caution


def test_every_call_of_the_session_with_evidence_gets_its_timeout(shop: Path) -> None:
    """One patch for two calls of one session; each has the timeout that its own calls support."""
    found = proposals(
        shop,
        [pattern("dependency_error", STOCK, failures=3), pattern("dependency_error", PRICE, failures=9)],
        noted=[Noted(STOCK), Noted(PRICE, seconds=0.4)],
        deadline=10.0,
    )
    (retry,) = found["retry"]
    assert (retry.line, retry.failures, len(retry.patterns)) == (11, 12, 2)
    assert "+    return http.get(url, timeout=(1.05, 0.25))" in retry.diff
    assert "+    return http.get(url, timeout=(1.05, 0.8))" in retry.diff
    assert retry.diff.count("+http.mount(") == 2


def test_too_few_calls_for_a_figure_leave_the_call_unbounded_and_say_so(shop: Path) -> None:
    """71 calls support no timeout: resets are repeated all the same, with a warning."""
    found = proposals(shop, [pattern("dependency_error", STOCK)], noted=[Noted(STOCK, n=71)], deadline=10.0)
    assert "timeout=" not in found["retry"][0].diff
    assert found["retry"][0].caution.startswith("The call has no timeout: bound it first")


@pytest.mark.parametrize("finder", ["missing_backoff", "retry_storm"])
def test_what_is_repeated_already_gets_no_second_retry(shop: Path, finder: str) -> None:
    """The run shows repetitions that the source at the call does not: two layers would multiply."""
    found = proposals(shop, [pattern("dependency_error", STOCK), pattern(finder, STOCK)])
    assert set(found) == {"unavailable", finder}


def test_what_is_lacking_belongs_to_the_retry(shop: Path) -> None:
    """`no_retry` at the call is named by the proposal, and its failures, the whole's own, count once."""
    whole = pattern("dependency_error", STOCK)
    part = pattern("no_retry", STOCK, part_of=whole.id)
    (retry,) = proposals(shop, [whole, part])["retry"]
    assert retry.patterns == (whole.id, part.id)
    assert retry.failures == 10
    (alone,) = proposals(shop, [replace(part, part_of=None)])["retry"]
    assert (alone.patterns, alone.failures) == ((part.id,), 10)


def test_the_spot_in_the_proposals_file_makes_the_edit_again(shop: Path) -> None:
    """What was written as JSON and read back gives the very same text."""
    sites = [pattern("dependency_error", STOCK), pattern("dependency_error", PRICE)]
    found = proposals(shop, sites, noted=[Noted(STOCK), Noted(PRICE)], deadline=4.0)
    spot = found["retry"][0].spot
    assert spot is not None
    again = Spot.read(json.loads(json.dumps(asdict(spot))))
    assert again == spot
    assert Retry().edit(SHOP, again).count("timeout=(1.05, 0.25)") == 2


def test_urllib3s_repetitions_without_a_pause_are_replaced(tmp_path: Path) -> None:
    """Its default is what repeats at once: the policy takes its place, and the finding belongs to it."""
    (tmp_path / "shop.py").write_text("import urllib3\n\npool = urllib3.PoolManager()\npool.request('GET', url)\n")
    found = pattern("missing_backoff", Site("shop.py", 4, "<module>"))
    every = proposals(tmp_path, [found])
    assert set(every) == {"retry"}
    assert "+pool.request('GET', url, retries=RETRY)" in every["retry"][0].diff
    assert "requirements" not in every["retry"][0].diff
