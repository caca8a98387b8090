"""Bookings: make, list, look at, cancel; what is refused and what that leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

ORDER = {"traveller": "Ada", "destination": "skyhook-station", "seats": 2}


def seats_left(client: FlaskClient) -> int:
    """The free seats of the destination that the tests book."""
    seats: int = client.get("/api/destinations/skyhook-station").get_json()["seats_left"]
    return seats


def test_books(client: FlaskClient) -> None:
    """A booking is answered with 201, its price for all seats and its Location, and takes its seats."""
    before = seats_left(client)
    answer = client.post("/api/bookings", json=ORDER)
    booking = answer.get_json()
    assert answer.status_code == 201
    assert booking == ORDER | {
        "id": booking["id"],
        "price": {"amount": 8400, "currency": "EUR"},
        "status": "confirmed",
        "created_at": booking["created_at"],
    }
    assert abs(datetime.now(UTC) - datetime.fromisoformat(booking["created_at"])) < timedelta(minutes=1)
    assert client.get(answer.headers["Location"]).get_json() == booking
    assert seats_left(client) == before - 2


@pytest.mark.parametrize(
    "order",
    [
        ORDER | {"seats": 0},
        ORDER | {"seats": 9},
        ORDER | {"seats": True},
        ORDER | {"seats": "2"},
        ORDER | {"traveller": " "},
        ORDER | {"traveller": "x" * 81},
        ORDER | {"destination": 7},
        {"traveller": "Ada", "seats": 1},
        [ORDER],
        "Ada",
    ],
)
def test_refuses_bad_orders(client: FlaskClient, order: Any) -> None:
    """An order that lacks something or has something out of range is 400, and takes no seats."""
    before = seats_left(client)
    assert client.post("/api/bookings", json=order).status_code == 400
    assert seats_left(client) == before


@pytest.mark.parametrize(("content_type", "status"), [("application/json", 400), ("text/plain", 415)])
def test_refuses_what_is_no_json(client: FlaskClient, content_type: str, status: int) -> None:
    """Broken JSON is 400 and another content type 415, both answered in JSON."""
    answer = client.post("/api/bookings", data="{", content_type=content_type)
    assert answer.status_code == status
    assert set(answer.get_json()) == {"error", "message"}


def test_unknown_destination(client: FlaskClient) -> None:
    """A destination that does not exist cannot be booked."""
    assert client.post("/api/bookings", json=ORDER | {"destination": "vulcan"}).status_code == 404


def test_sold_out(make_app: Callable[..., Flask]) -> None:
    """The last seats can be booked, more than are left cannot, and cancelling makes them free again."""
    client = make_app(SEATS_PER_DESTINATION=3).test_client()
    first = client.post("/api/bookings", json=ORDER)
    assert client.post("/api/bookings", json=ORDER).status_code == 409
    assert client.post("/api/bookings", json=ORDER | {"seats": 1}).status_code == 201
    assert seats_left(client) == 0
    client.delete(first.headers["Location"])
    assert client.post("/api/bookings", json=ORDER).status_code == 201


def test_declined_payment(client: FlaskClient) -> None:
    """A declined payment is 402; it leaves no booking and takes no seats."""
    before = seats_left(client)
    answer = client.post("/api/bookings", json=ORDER | {"traveller": "declined"})
    assert answer.status_code == 402
    assert answer.get_json()["message"] == "The payment was declined."
    assert client.get("/api/bookings?traveller=declined").get_json() == {"bookings": [], "count": 0}
    assert seats_left(client) == before


def test_lists_newest_first_and_in_pages(client: FlaskClient) -> None:
    """A traveller's bookings come newest first, at most `limit`; `before` gives the next page."""
    ids = [client.post("/api/bookings", json=ORDER).get_json()["id"] for _ in range(3)]
    client.post("/api/bookings", json=ORDER | {"traveller": "Grace"})
    page = client.get("/api/bookings?traveller=Ada&limit=2").get_json()
    rest = client.get(f"/api/bookings?traveller=Ada&limit=2&before={ids[1]}").get_json()
    assert [booking["id"] for booking in page["bookings"] + rest["bookings"]] == ids[::-1]
    assert (page["count"], rest["count"]) == (2, 1)
    assert client.get("/api/bookings").get_json()["count"] == 4


def test_cancels(client: FlaskClient) -> None:
    """A cancelled booking is gone, its seats are free again, and it cannot be cancelled twice."""
    before = seats_left(client)
    location = client.post("/api/bookings", json=ORDER).headers["Location"]
    answer = client.delete(location)
    assert (answer.status_code, answer.data) == (204, b"")
    assert seats_left(client) == before
    assert client.get(location).status_code == 404
    assert client.delete(location).status_code == 404


def test_cancelling_refunds_the_payment(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refund names the authorisation that the booking was paid with."""
    asked: list[tuple[str, Any]] = []
    post = requests.Session.post

    def spy(self: requests.Session, url: str, **given: Any) -> requests.Response:
        answer = post(self, url, **given)
        asked.append((url.rpartition("/")[2], answer.json() if url.endswith("authorisations") else given["json"]))
        return answer

    monkeypatch.setattr(requests.Session, "post", spy)
    client.delete(client.post("/api/bookings", json=ORDER).headers["Location"])
    paid, refunded = asked
    assert (paid[0], refunded[0]) == ("authorisations", "refunds")
    assert paid[1] == refunded[1]
