"""How finders name things."""

from __future__ import annotations

import pytest

from chaos_analysis.patterns import _words


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("GET 127.0.0.1/fares?to=moon", "Fares"),
        ("POST 127.0.0.1/payments/authorise", "Payments"),
        ("GET rates.example/", "Rates.example"),
        ("GET 127.0.0.1/fares*", "Fares"),
    ],
)
def test_a_service_is_named_by_its_path(target: str, name: str) -> None:
    """The first part of the path, else the host."""
    assert _words.service(target) == name


def test_several_calls_have_one_name() -> None:
    """Their common beginning; one alone keeps its own; none has none."""
    assert _words.grouped(["GET h/fares?to=mars", "GET h/fares?to=moon", None]) == "GET h/fares?to=m*"
    assert _words.grouped(["GET h/fares"]) == "GET h/fares"
    assert _words.grouped([None]) is None


def test_lists_are_cut_to_three() -> None:
    """Nobody reads thirty endpoints in a title."""
    assert _words.listed(["a"]) == "a"
    assert _words.listed(["a", "b", "a"]) == "a and b"
    assert _words.listed(["a", "b", "c"]) == "a, b and c"
    assert _words.listed("abcdef") == "a, b and 4 more"
