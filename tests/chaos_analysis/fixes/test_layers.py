"""Several changes at one call: whichever comes first, the timeout is innermost, then the breaker, then the retry."""

from __future__ import annotations

import ast
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes._layers import STAMINA, URLLIB3, repeats, worst
from chaos_analysis.fixes.circuit_breaker import CircuitBreaker
from chaos_analysis.fixes.http_timeout import HttpTimeout
from chaos_analysis.fixes.idempotency_key import IdempotencyKey
from chaos_analysis.fixes.retry import Retry
from chaos_analysis.fixes.retry_with_stamina import RetryWithStamina

if TYPE_CHECKING:
    from chaos_analysis.fixes._fix import Fix

INSIDE = [HttpTimeout(), CircuitBreaker(), Retry()]
OUTSIDE = [HttpTimeout(), CircuitBreaker(), RetryWithStamina()]
POSTS = [HttpTimeout(), CircuitBreaker(), IdempotencyKey()]


def _changed(source: str, fixes: tuple[Fix, ...], verb: str) -> str:
    for fix in fixes:
        lines = source.splitlines()
        line = next(number for number, text in enumerate(lines, start=1) if text.startswith("answer ="))
        spot = Spot(line=line, method=verb.upper(), timeout=(1.05, 0.25) if fix.name == "http_timeout" else (0.0, 0.0))
        source = fix.edit(source, spot)
    return source


def _answer(source: str) -> ast.Call:
    (found,) = [node.value for node in ast.walk(ast.parse(source)) if ast.unparse(node).startswith("answer = ")]
    assert isinstance(found, ast.Call)
    return found


@pytest.mark.parametrize("order", [*permutations(OUTSIDE)], ids=lambda order: ", ".join(fix.name for fix in order))
@pytest.mark.parametrize("library", ["httpx", "requests"])
def test_reads_have_one_nesting_in_any_order(order: tuple[Fix, ...], library: str) -> None:
    """stamina's caller stands outside of the breaker."""
    call = _answer(_changed(f"import {library}\n\nanswer = {library}.get(url)\n", order, "get"))
    assert ast.unparse(call).startswith(f"RETRY(_guarded, {library}.get, url")
    assert [keyword.arg for keyword in call.keywords] == ["timeout"]


@pytest.mark.parametrize("order", [*permutations(INSIDE)], ids=lambda order: ", ".join(fix.name for fix in order))
def test_urllib3s_retries_can_only_stand_inside(order: tuple[Fix, ...]) -> None:
    """They are the session's: a breaker sees the last attempt's failure."""
    call = _answer(_changed("import requests\n\nanswer = requests.get(url)\n", order, "get"))
    assert ast.unparse(call).startswith("_guarded(SESSION.get, url")
    assert [keyword.arg for keyword in call.keywords] == ["timeout"]


@pytest.mark.parametrize("order", [*permutations(POSTS)], ids=lambda order: ", ".join(fix.name for fix in order))
def test_writes_have_one_nesting_in_any_order(order: tuple[Fix, ...]) -> None:
    """The key is made once, before anybody repeats anything."""
    call = _answer(_changed("import requests\n\nanswer = requests.post(url)\n", order, "post"))
    assert ast.unparse(call).startswith("RETRY(_guarded, requests.post, url")
    assert {keyword.arg for keyword in call.keywords} == {"timeout", "headers"}


def test_attempts_and_pauses_end_before_the_client_gives_up() -> None:
    """Three attempts of 1 s need 3.3 s with urllib3's pauses and 3.5 s with stamina's; nothing known is no limit."""
    assert [worst(1.0, often, URLLIB3) for often in (1, 2)] == [pytest.approx(2.0), pytest.approx(3.3)]
    assert [repeats(1.0, deadline, URLLIB3) for deadline in (3.4, 3.3, 2.1, 2.0)] == [2, 1, 1, 0]
    assert [repeats(1.0, deadline, STAMINA) for deadline in (3.6, 3.5, 2.2)] == [2, 1, 0]
    assert repeats(None, 1.0, URLLIB3) == repeats(1.0, None, URLLIB3) == 2
    assert worst(None, 2, URLLIB3) is None
