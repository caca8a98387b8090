"""Destinations: list, filter, look at one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orbital_suppliers.fares import AMOUNTS
from orbital_travel_planner.catalogue import DESTINATIONS

if TYPE_CHECKING:
    from flask.testing import FlaskClient


def test_lists_the_catalogue_with_live_fares(client: FlaskClient) -> None:
    """Every destination is listed once, in the order of the slugs, each with the suppliers' fare and its seats."""
    listed = client.get("/api/destinations").get_json()
    assert listed["count"] == len(listed["destinations"]) == len(DESTINATIONS)
    assert {item["slug"]: item["fare"]["amount"] for item in listed["destinations"]} == AMOUNTS
    assert [item["slug"] for item in listed["destinations"]] == sorted(AMOUNTS)
    assert {item["seats_left"] for item in listed["destinations"]} == {10_000}


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("body=Mars", ["olympus-lodge", "phobos-overlook", "valles-marineris"]),
        ("body=mars&limit=1", ["olympus-lodge"]),
        ("max_fare=9400", ["lagrange-gardens", "skyhook-station"]),
        ("max_fare=9399", ["skyhook-station"]),
        ("body=Pluto", []),
    ],
)
def test_filters(client: FlaskClient, query: str, slugs: list[str]) -> None:
    """`body` (in any case), `max_fare` (inclusive) and `limit` narrow the list."""
    listed = client.get(f"/api/destinations?{query}").get_json()
    assert [item["slug"] for item in listed["destinations"]] == slugs
    assert listed["count"] == len(slugs)


def test_shows_one_destination(client: FlaskClient) -> None:
    """A destination is shown as in the list, with the advisory for its travellers besides."""
    shown = client.get("/api/destinations/skyhook-station").get_json()
    listed = client.get("/api/destinations?body=Earth").get_json()["destinations"]
    assert shown.pop("advisory").endswith(".")
    assert shown in listed


def test_unknown_destination(client: FlaskClient) -> None:
    """A destination that does not exist is 404, with its name in the message."""
    answer = client.get("/api/destinations/vulcan")
    assert answer.status_code == 404
    assert answer.get_json() == {"error": "Not Found", "message": "No destination is called 'vulcan'."}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=ten", "limit=", "max_fare=-1", "max_fare=1.5"])
def test_refuses_bad_arguments(client: FlaskClient, query: str) -> None:
    """A query argument that is no number in its range is 400 and named."""
    answer = client.get(f"/api/destinations?{query}")
    assert answer.status_code == 400
    assert answer.get_json()["message"].startswith(query.partition("=")[0])
