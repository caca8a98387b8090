"""Which calls are handed to stamina: those of httpx and urllib, and of requests where bodies are cut short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.retry_with_stamina import RetryWithStamina
from chaos_analysis.model import Site
from tests.chaos_analysis.fixes.http_run import PRICE, SHOP, STOCK, Noted, pattern, proposals

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_analysis.model import Pattern, Proposal

RULES = ("connection_reset", "http_error", "truncated_body")


def _hurt(site: Site, **more: Any) -> Pattern:
    """Each rule has failed requests at the site."""
    return pattern("dependency_error", site, **{"rules": RULES, "faults": RULES, **more})


def _proposed(folder: Path, cut: int, told: int, source: str = SHOP, **more: Any) -> Proposal:
    """The one retry for two calls: `cut` requests failed by cut bodies at the first, `told` by a 503 at the second."""
    (folder / "shop.py").write_text(source)
    failed = {("truncated_body", STOCK): cut, ("connection_reset", STOCK): 5, ("http_error", PRICE): told}
    every = proposals(folder, [_hurt(STOCK), _hurt(PRICE)], failed=failed, **more)
    (found,) = [each for name, found in every.items() if name.startswith("retry") for each in found]
    return found


@pytest.mark.parametrize(
    ("cut", "told", "fix", "due"),
    [(9, 0, "retry_with_stamina", 20), (9, 8, "retry_with_stamina", 12), (9, 9, "retry", 11), (0, 9, "retry", 20)],
)
def test_the_way_that_covers_more_failures_repeats_all_calls_of_the_session(
    tmp_path: Path, cut: int, told: int, fix: str, due: int
) -> None:
    """urllib3's retries see a 503 and no body that is cut short, stamina's errors are the other way round; a reset is
    both's. There is one patch, with the calls of both sites, which concerns the failures that it sees.
    """
    found = _proposed(tmp_path, cut, told)
    assert (found.fix, found.failures, len(found.patterns)) == (fix, due, 2)
    assert (f"get past the faults of {due} of these 20 failures." in found.why) == (due < 20)
    assert found.diff.count("+    return RETRY(http.get, url)") == (2 if fix == "retry_with_stamina" else 0)
    assert found.diff.count("+http.mount(") == (0 if fix == "retry_with_stamina" else 2)


def test_a_cut_body_that_meets_each_attempt_speaks_for_nothing(tmp_path: Path) -> None:
    """A rule that lasts as long as the request is not got past by any of the two."""
    assert _proposed(tmp_path, 9, 3, lasting=["truncated_body"]).fix == "retry"


def test_the_texts_say_what_is_repeated_on_what(tmp_path: Path) -> None:
    """Each way names the failures that it sees, and what it does not help."""
    handed, mounted = _proposed(tmp_path, 9, 0), _proposed(tmp_path, 0, 9)
    assert "0.1-0.2 s and then 0.2-0.3 s, on resets, timeouts and bodies cut short." in handed.what
    assert "nor a body that is garbled. An error status is an answer, and is not repeated." in handed.caution
    assert "no pause and then 0.2-0.3 s, on resets, timeouts and 502/503/504." in mounted.what
    assert "nor a body that is cut short or garbled." in mounted.caution


def test_a_body_that_is_read_later_is_not_covered_by_either(tmp_path: Path) -> None:
    """The call with `stream=True` is over before the body comes: its resets are what can be mended."""
    streamed = SHOP.replace("http.get(url)", "http.get(url, stream=True)", 1)
    found = _proposed(tmp_path, 9, 0, source=streamed)
    assert (found.fix, found.failures) == ("retry", 11)
    (tmp_path / "shop.py").write_text(streamed)
    cut = _hurt(STOCK, rules=("truncated_body",), faults=("truncated_body",))
    assert set(proposals(tmp_path, [cut], failed={("truncated_body", STOCK): 9})) == {"unavailable"}


@pytest.mark.parametrize(
    ("source", "fix"),
    [
        ("import httpx\n\nhttpx.get(URL)\n", "retry_with_stamina"),
        ("import httpx\n\nclient = httpx.Client()\nclient.send(REQUEST, stream=True)\n", ""),
        ("import urllib3\n\nurllib3.request('GET', URL)\n", "retry"),
        ("import urllib3\n\nurllib3.request('GET', URL, preload_content=False)\n", ""),
        ("from urllib.request import urlopen\n\nurlopen(URL)\n", ""),
    ],
)
def test_other_libraries_repeat_for_a_cut_body_where_the_call_reads_it(tmp_path: Path, source: str, fix: str) -> None:
    """httpx and urllib3 raise from the call, unless they are told to leave the body; urllib always leaves it."""
    (tmp_path / "shop.py").write_text(source)
    site = Site("shop.py", source.count("\n"), "<module>")
    cut = _hurt(site, rules=("truncated_body",), faults=("truncated_body",))
    found = proposals(tmp_path, [cut])
    assert [name for name in found if name.startswith("retry")] == ([fix] if fix else [])
    assert all("bodies cut short" in each.what for each in found.get(fix, []))


def test_httpxs_own_limit_gives_way_to_one_that_lets_the_client_wait(tmp_path: Path) -> None:
    """Two attempts of 5 + 5 s would not end in 10 s: where the app said nothing, the measured timeout is set."""
    (tmp_path / "shop.py").write_text("import httpx\n\n\ndef stock(url):\n    return httpx.get(url)\n")
    (tmp_path / "requirements.txt").write_text("flask\nhttpx\n")
    site = Site("shop.py", 5, "stock")
    noted = [Noted(site, timeout=(5.0, 5.0))]
    (retry,) = proposals(tmp_path, [pattern("dependency_error", site)], noted=noted, deadline=10.0)[
        "retry_with_stamina"
    ]
    assert "RETRY(httpx.get, url, timeout=httpx.Timeout(0.25, connect=1.05))" in retry.diff
    assert "+++ b/requirements.txt\n@@ -1,2 +1,3 @@\n flask\n httpx\n+stamina>=24.3\n" in retry.diff
    assert retry.what.endswith("Install stamina>=24.3, which the patch declares.")
    assert "timeout=4.4," in retry.diff


def test_to_httpx_an_error_status_is_an_answer(tmp_path: Path) -> None:
    """It raises nothing by itself: a caller that repeats on errors would not repeat."""
    (tmp_path / "shop.py").write_text("import httpx\n\nhttpx.get(url)\n")
    found = pattern("dependency_error", Site("shop.py", 3, "<module>"), faults=("http_error",))
    assert not proposals(tmp_path, [found], asked=[{"type": "http_error", "status": 503}])


def test_what_is_asked_once_and_not_seen_by_a_retry_is_answered_in_words(tmp_path: Path) -> None:
    """A call of httpx without a limit is repeated after delays; the 503s that failed it are not that patch's."""
    (tmp_path / "shop.py").write_text("import httpx\n\n\ndef stock(url):\n    return httpx.get(url, timeout=None)\n")
    site = Site("shop.py", 5, "stock")
    slow, once = (
        pattern("missing_timeout", site, faults=("latency",)),
        pattern("no_retry", site, faults=("http_error",)),
    )
    asked = [{"type": "latency", "seconds": 1.0}, {"type": "http_error", "status": 503}]
    found = proposals(tmp_path, [slow, once], noted=[Noted(site)], asked=asked)
    assert {name: each.patterns for name, (each,) in found.items()} == {
        "http_timeout": (slow.id,),
        "retry_with_stamina": (slow.id,),
        "no_retry": (once.id,),
    }


def test_faults_that_last_as_long_as_the_request_neither_ask_for_a_retry_nor_count(tmp_path: Path) -> None:
    """Beside passing resets they are left out of the failures; beside 503s, which httpx answers with, nothing is left
    that a repetition gets past.
    """
    (tmp_path / "shop.py").write_text("import httpx\n\nhttpx.get(url)\n")
    site = Site("shop.py", 3, "<module>")
    failed = {("connection_reset", site): 3, ("connection_refused", site): 4, ("http_error", site): 2}

    def found(*faults: str) -> dict[str, list[Proposal]]:
        whole = pattern("dependency_error", site, rules=faults, faults=faults, failures=9)
        return proposals(tmp_path, [whole], failed=failed, lasting=["connection_refused"])

    (retry,) = found(*(fault for fault, _ in failed))["retry_with_stamina"]
    assert retry.failures == 3
    assert "get past the faults of 3 of these 9 failures." in retry.why
    assert not found("connection_refused", "http_error")


def test_calls_below_one_that_gets_longer_are_still_found() -> None:
    """The timeout of the first takes a line of its own, so that the second has moved when it is handed over."""
    source = SHOP.replace("http.get(url)", "http.get(\n        url,\n    )", 1)
    also = (Spot(line=13, method="GET", timeout=(1.05, 0.4)),)
    after = RetryWithStamina().edit(source, Spot(line=7, method="GET", timeout=(1.05, 0.25), also=also))
    assert "return RETRY(\n        http.get,\n        url,\n        timeout=(1.05, 0.25),\n    )" in after
    assert "return RETRY(http.get, url, timeout=(1.05, 0.4))" in after


def test_a_call_that_is_handed_over_already_stays_as_it_is() -> None:
    """The other one of the session is handed to a caller of its own."""
    source = RetryWithStamina().edit(SHOP, Spot(line=7, method="GET"))
    first, second = (source[: source.index(text)].count("\n") + 1 for text in ("RETRY(http", " http.get(url)"))
    after = RetryWithStamina().edit(source, Spot(line=first, method="GET", also=(Spot(line=second, method="GET"),)))
    assert after.count("RETRY(http.get, url)") == after.count("RETRY_2(http.get, url)") == 1
