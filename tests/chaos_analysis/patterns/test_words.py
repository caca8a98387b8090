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


@pytest.mark.parametrize(
    ("seam", "target", "said"),
    [
        ("http_client", "GET 127.0.0.1/fares?to=moon", "Fares"),
        ("database", "SELECT order_lines 9ae629af", "SELECT order_lines"),
        ("database", "SELECT order_lines", "SELECT order_lines"),
        ("database", "SELECT order*", "SELECT order*"),
        ("database", "COMMIT postgresql", "COMMIT"),
        ("database", "*", "the database"),
        ("cache", "GET 127.0.0.1 3fec25:item:*", "the cache"),
    ],
)
def test_the_other_side_of_a_call_has_a_name_for_people(seam: str, target: str, said: str) -> None:
    """No digest, no address, no bare star."""
    assert _words.other_side(target, seam) == said
