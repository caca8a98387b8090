"""A breaker for a dependency that is down: proposed where calls fail in a row, and at work."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import circuitbreaker
import pytest
import requests

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.circuit_breaker import CircuitBreaker
from chaos_analysis.model import Site
from tests.chaos_analysis.fixes.http_run import Noted, pattern, proposals

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_analysis.model import Proposal

SHOP = "import requests\n\n\ndef stock(url):\n    return requests.get(url, timeout=0.3)\n"
STOCK = Site("shop.py", 5, "stock")
WAITED = Noted(STOCK, n=30, error="ReadTimeout", seconds=0.3, timeout=(0.3, 0.3))


def _proposed(folder: Path, *noted: Noted, others: str = "") -> list[Proposal]:
    (folder / "shop.py").write_text(SHOP)
    if others:
        (folder / "app.py").write_text(others)
    found = pattern("dependency_error", STOCK, faults=("read_timeout",))
    return proposals(folder, [found], noted=noted, asked=[{"type": "read_timeout"}]).get("circuit_breaker", [])


def test_calls_that_wait_in_a_row_for_nothing_get_a_breaker(tmp_path: Path) -> None:
    """30 calls of 0.3 s: 25 would have been spared; it stays open for ten times as long as one of them waits."""
    (found,) = _proposed(tmp_path, WAITED)
    assert "Up to 30 calls in a row failed here" in found.why
    assert "25 were made after the first 5 of a row, and waited 300 ms in the median" in found.why
    assert "recovery_timeout=3," in found.diff
    assert "Install circuitbreaker>=2.0" in found.what
    assert "The handler is yours to write" in found.caution


@pytest.mark.parametrize(
    "noted",
    [
        [WAITED._replace(n=9)],
        [WAITED._replace(seconds=0.02, error="ConnectionError")],
        [WAITED._replace(n=9), Noted(STOCK, n=1, more={"started": 4.5})],
        [WAITED._replace(more={"sampled": False})],
    ],
    ids=["too few", "at once", "one was well in between", "nobody knows what was in between"],
)
def test_what_is_no_outage_gets_none(tmp_path: Path, noted: list[Noted]) -> None:
    """Nine in a row are few, a refusal costs nothing, and unsampled requests that were well are not noted."""
    assert _proposed(tmp_path, *noted) == []


@pytest.mark.parametrize(("well", "retried"), [(0, False), (40, True)])
def test_an_outage_that_outlasts_the_attempts_gets_no_retry(tmp_path: Path, well: int, retried: bool) -> None:
    """Where most failed calls are in long rows a repetition fails as well; where most are alone it may not."""
    (tmp_path / "shop.py").write_text(SHOP)
    alone = [Noted(STOCK, n=1, more={"started": 100.0 + n}) for n in range(well)]
    alone += [WAITED._replace(n=1, more={"started": 100.5 + n}) for n in range(well)]
    found = pattern("dependency_error", STOCK, faults=("read_timeout",))
    every = proposals(tmp_path, [found], noted=[WAITED, *alone], asked=[{"type": "read_timeout"}])
    assert ("retry" in every, "circuit_breaker" in every) == (retried, True)


def test_the_handler_goes_where_the_app_is_made(tmp_path: Path) -> None:
    """One patch of two files: the call is guarded in one, its error is answered with 503 in the other."""
    (found,) = _proposed(tmp_path, WAITED, others="from flask import Flask\n\napp = Flask(__name__)\n")
    assert re.findall(r"^\+\+\+ b/(.*)$", found.diff, re.MULTILINE) == ["shop.py", "app.py"]
    assert "+@app.errorhandler(requests.RequestException)" in found.diff
    assert "yours to write" not in found.caution


def test_an_open_breaker_asks_nobody_and_raises_what_the_library_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """After five timeouts nothing is sent for three seconds; then it is asked again, and one success closes it."""
    now, sent, down = [100.0], [], [True]
    monkeypatch.setattr(circuitbreaker, "monotonic", lambda: now[0])
    names: dict[str, Any] = {}
    exec(compile(CircuitBreaker().edit(SHOP, Spot(line=5, method="GET", recovery=3)), "patched.py", "exec"), names)

    def get(url: str, timeout: float) -> str:
        sent.append((url, timeout))
        if down[0]:
            raise requests.ReadTimeout
        return "well"

    monkeypatch.setattr(requests, "get", get)
    for _ in range(8):
        with pytest.raises(requests.RequestException):
            names["stock"]("http://127.0.0.1/")
    assert sent == [("http://127.0.0.1/", 0.3)] * 5
    now[0] += 3.1
    down[0] = False
    assert [names["stock"]("http://127.0.0.1/") for _ in range(2)] == ["well", "well"]
    assert len(sent) == 7
