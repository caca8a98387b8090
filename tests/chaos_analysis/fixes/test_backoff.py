"""A pause between repetitions: how long it is at work, in loops of any layout, and when it is proposed."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from chaos_analysis.fixes._fix import AlreadyThere, Spot
from chaos_analysis.fixes.backoff import Backoff
from chaos_analysis.model import Site
from tests.chaos_analysis.fixes.seen import evidence, pattern

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_analysis.model import Proposal

SOURCE = """\
import requests


def items():
    for _ in range(7):
        answer = requests.get(URL)
        if answer:
            return answer
    return None
"""
POOL = """\
import urllib3

pool = urllib3.PoolManager(retries=urllib3.Retry(3))


def items():
    return pool.request("GET", URL)
"""


class _Requests:
    """Stands in for the library, whose answers are none so many times."""

    def __init__(self, failures: int) -> None:
        self.left = failures

    def get(self, url: str) -> str | None:
        self.left -= 1
        return url if self.left < 0 else None


def _pauses(failures: int, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    names: dict[str, Any] = {"URL": "there"}
    exec(compile(Backoff().edit(SOURCE, Spot(line=6, method="GET")), "shop.py", "exec"), names)
    names["requests"] = _Requests(failures)
    monkeypatch.setattr(time, "sleep", slept.append)
    assert names["items"]() == ("there" if failures < 7 else None)
    return slept


def test_nobody_waits_for_a_call_that_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor when the last attempt is over."""
    assert _pauses(0, monkeypatch) == []
    assert len(_pauses(1, monkeypatch)) == 1
    assert len(_pauses(7, monkeypatch)) == 6


def test_pauses_double_have_jitter_and_end_at_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is half to the whole of what it may be."""
    monkeypatch.setattr(random, "uniform", lambda low, high: low)
    assert _pauses(7, monkeypatch) == [0.05, 0.1, 0.2, 0.4, 0.8, 1]
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    assert _pauses(7, monkeypatch) == [0.1, 0.2, 0.4, 0.8, 1, 1]


def test_urllib3_then_pauses_too() -> None:
    """By its own reckoning of the policy that comes out; before, it never does."""
    before = POOL
    after = Backoff().edit(before, Spot(line=7, method="GET"))
    waits = []
    for text in (before, after):
        names: dict[str, Any] = {}
        exec(compile(text, "shop.py", "exec"), names)
        policy: urllib3.Retry = names["pool"].connection_pool_kw["retries"]
        for _ in range(2):
            policy = policy.increment("GET", "/", error=urllib3.exceptions.ProtocolError("gone"))
        waits.append(policy.get_backoff_time())
    assert waits[0] == 0
    assert 0.2 <= waits[1] <= 0.3


@given(
    indent=st.sampled_from(["  ", "    ", "\t"]),
    header=st.sampled_from(["for _ in range(3):", "for  n  in  range( 3 ) :  # thrice", "for _ in range(\n  3\n):"]),
    above=st.sampled_from(["", "# once more\n", "\n\n"]),
    newline=st.sampled_from(["\n", "\r\n"]),
    tried=st.booleans(),
)
def test_any_layout_of_the_loop_is_kept(indent: str, header: str, above: str, newline: str, *, tried: bool) -> None:
    """The result compiles, is the source and five lines more, and is left alone the second time."""
    body = "try:\n{0}return requests.get(URL)\nexcept OSError:\n{0}continue\n" if tried else "x = requests.get(URL)\n"
    block = "".join(
        indent * 2 + line if line.strip() else line for line in (above + body.format(indent)).splitlines(True)
    )
    source = f"import requests\n\n\ndef items():\n{indent}{header}\n{block}".replace("\n", newline)
    line = source[: source.index("requests.get")].count("\n") + 1
    after = Backoff().edit(source, Spot(line=line, method="GET"))
    compile(after, "shop.py", "exec")
    rest = iter(after.splitlines())
    assert all(each in rest for each in source.splitlines() if "for" not in each)  # in their order
    assert len(after.splitlines()) == len(source.splitlines()) + 5
    with pytest.raises(AlreadyThere):
        Backoff().edit(after, Spot(line=line + 5, method="GET"))


def _proposed(folder: Path, source: str, line: int, finder: str = "missing_backoff") -> list[Proposal]:
    (folder / "shop.py").write_text(source)
    return list(Backoff().propose(evidence(folder, [pattern(finder, Site("shop.py", line, "items"))])))


def test_it_needs_nobody_to_decide(tmp_path: Path) -> None:
    """A patch for the call that was seen to be repeated at once."""
    (found,) = _proposed(tmp_path, SOURCE, 6)
    assert found.automatic
    assert "+        if attempt:" in found.diff


def test_what_has_no_loop_or_no_finding_is_left_to_words(tmp_path: Path) -> None:
    """The finding has its advice."""
    assert _proposed(tmp_path, SOURCE.replace("for _ in range(7)", "while True"), 6) == []
    assert _proposed(tmp_path, SOURCE, 6, finder="no_retry") == []
