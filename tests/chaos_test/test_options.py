"""How the values of options are read."""

from __future__ import annotations

import argparse

import pytest

from chaos_middleware.experiment import Stage
from chaos_test import options


@pytest.mark.parametrize(("text", "expected"), [("90", 90), ("90s", 90), ("1.5m", 90), ("1h", 3600)])
def test_durations_have_units(text: str, expected: float) -> None:
    """Seconds are the default; s, m and h are understood."""
    assert options.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "0", "0s", "-1", "5d", "1m30s", "soon", "nan"])
def test_a_duration_must_be_above_zero_and_plain(text: str) -> None:
    """What is not a duration is refused, with examples of what is."""
    with pytest.raises(argparse.ArgumentTypeError, match="such as 90s"):
        options.seconds(text)


def test_stages_by_time() -> None:
    """`name=seconds` gives stages by time, in order."""
    assert options.stages("baseline=5s,chaos=0.5m") == (Stage("baseline", seconds=5), Stage("chaos", seconds=30))


def test_stages_by_share() -> None:
    """`name=percent` gives stages by share of the requests; a stage's own name may have a percent sign."""
    assert options.stages("10%=40%, 20%=60%") == (Stage("10%", share=0.4), Stage("20%", share=0.6))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("chaos", "not a list such as"),
        ("chaos=", "not a duration"),
        ("a b=5s", "not a list such as"),
        ("chaos=5s,chaos=6s", "twice"),
        ("baseline=50%,chaos=40%", "in all 100%"),
        ("baseline=50%,chaos=5s", "in all 100%"),
    ],
)
def test_wrong_stages_are_refused(text: str, why: str) -> None:
    """Unknown forms, repeated names, mixed units and shares that do not sum up are each told apart."""
    with pytest.raises(argparse.ArgumentTypeError, match=why):
        options.stages(text)


def test_an_endpoint_without_a_method_is_a_get() -> None:
    """`/path` means `GET /path`; other methods and a JSON body are kept."""
    post = 'POST /a?b=1 {"c": "d e"}'
    assert [options.endpoint(text) for text in ("/a", post)] == ["GET /a", post]


@pytest.mark.parametrize("text", ["a", "get /a", "GET a", "FETCH /a"])
def test_a_wrong_endpoint_is_refused(text: str) -> None:
    """A method must be known and in capitals, a path must begin with a slash."""
    with pytest.raises(argparse.ArgumentTypeError, match="is not an endpoint"):
        options.endpoint(text)


def test_a_body_that_is_not_json_is_refused() -> None:
    """Before Locust sees it."""
    with pytest.raises(argparse.ArgumentTypeError, match="the body is not JSON"):
        options.endpoint("POST /a {b}")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        ("positive", "0"),
        ("positive", "1.5"),
        ("port", "65536"),
        ("port", "0"),
        ("seed", "-1"),
        ("seed", "9223372036854775808"),
    ],
)
def test_numbers_out_of_range_are_refused(read: str, text: str) -> None:
    """Nothing is clamped."""
    with pytest.raises(argparse.ArgumentTypeError, match=r"is not a (whole number|port)"):
        getattr(options, read)(text)
