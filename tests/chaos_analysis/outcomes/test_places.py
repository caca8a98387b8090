"""Names of calls that survive edits of the file."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from chaos_analysis.outcomes.places import dependency, name_calls, peer

COLUMNS = ["seam", "target", "file", "line", "function"]
NAN = float("nan")


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("GET api/fares?to=moon", "GET api/fares"),
        ("GET 127.0.0.1/users/42/orders", "GET 127.0.0.1/users/<id>/orders"),
        ("GET api/items/0b1e7c52-3f0a-4f0e-9f0e-1c2d3e4f5a6b", "GET api/items/<id>"),
        ("GET api/v2/fares", "GET api/v2/fares"),
        ("SELECT bookings 1a2b3c4d", "SELECT bookings"),
        ("COMMIT", "COMMIT"),
        ("GET 127.0.0.1 fares:moon:42", "GET 127.0.0.1 fares:moon:<id>"),
        ("PIPELINE GET SET", "PIPELINE GET SET"),
        ("", ""),
    ],
)
def test_a_dependency_has_no_query_and_no_ids(target: str, name: str) -> None:
    """Of HTTP, database and cache."""
    assert dependency(target) == name


@pytest.mark.parametrize(
    ("seam", "name", "expected"),
    [
        ("http_client", "GET api/fares", "http_client api"),
        ("database", "SELECT bookings", "database"),
        ("cache", "GET 127.0.0.1 fares:<id>", "cache 127.0.0.1"),
    ],
)
def test_the_peer_is_who_is_called(seam: str, name: str, expected: str) -> None:
    """The host, or the database."""
    assert peer(seam, name) == expected


def _named(*rows: tuple[Any, ...]) -> list[str]:
    table = pd.DataFrame(rows, columns=COLUMNS)
    faults, calls = name_calls(table.iloc[:1], table)
    assert faults["call"].tolist() == calls["call"].tolist()[:1]
    return calls["call"].tolist()


def test_a_call_is_named_by_function_and_dependency() -> None:
    """The line is not in it; the edge has none; a call from no file of the app has a dash."""
    assert _named(
        ("http_client", "GET api/fares?to=moon", "fares.py", 10.0, "Fares.get"),
        ("wsgi", None, None, NAN, None),
        ("http_client", "GET api/fares", None, NAN, None),
    ) == ["fares.py:Fares.get http_client GET api/fares", "", "- http_client GET api/fares"]


def test_the_second_call_in_source_order_is_numbered() -> None:
    """Also where it was met first."""
    place = ("http_client", "GET api/fares", "fares.py")
    assert _named((*place, 20.0, "get"), (*place, 10.0, "get"), (*place, 30.0, "other")) == [
        "fares.py:get http_client GET api/fares #2",
        "fares.py:get http_client GET api/fares",
        "fares.py:other http_client GET api/fares",
    ]


def test_names_survive_edits_of_the_file() -> None:
    """Lines above were added: the same names."""
    place = ("http_client", "GET api/fares", "fares.py")
    before = _named((*place, 10.0, "get"), (*place, 20.0, "get"))
    assert _named((*place, 17.0, "get"), (*place, 27.0, "get")) == before


def test_many_values_at_one_line_are_one_name() -> None:
    """More than three names that differ are values of one; three are three."""
    names = ["moon", "mars", "venus", "titan"]
    calls = [("http_client", f"GET api/fares/{name}/now", "fares.py", 10.0, "get") for name in names]
    assert set(_named(*calls)) == {"fares.py:get http_client GET api/fares/*"}
    assert len(set(_named(*calls[:3]))) == 3


def test_nothing_at_all_has_no_names() -> None:
    """A run without calls."""
    table = pd.DataFrame(columns=COLUMNS)
    assert [len(named) for named in name_calls(table, table)] == [0, 0]
