"""Bookings: make one, list a traveller's, look at one, cancel one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, request, url_for
from sqlalchemy import select, update

from .database import session
from .models import Booking, Destination
from .suppliers import PaymentDeclinedError, suppliers
from .validation import number_argument, order_from_json

blueprint = Blueprint("bookings", __name__, url_prefix="/api/bookings")


@blueprint.post("")
def create_booking() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Take the seats, have the payment authorised, and keep the booking."""
    order = order_from_json(request.get_json())
    if session().get(Destination, order.destination) is None:
        abort(404, f"No destination is called {order.destination!r}.")
    fare = suppliers().fare(order.destination)
    amount = fare["amount"] * order.seats
    if not _take_seats(order.destination, order.seats):
        abort(409, f"{order.destination} has fewer than {order.seats} seats left.")
    try:
        authorisation = suppliers().authorise(order.traveller, amount, fare["currency"])
    except PaymentDeclinedError:
        _return_seats(order.destination, order.seats)
        raise
    booking = Booking(
        traveller=order.traveller,
        destination=order.destination,
        seats=order.seats,
        amount=amount,
        currency=fare["currency"],
        authorisation=authorisation,
    )
    session().add(booking)
    session().commit()
    return booking.as_json(), 201, {"Location": url_for(".show_booking", booking_id=booking.id)}


@blueprint.get("")
def list_bookings() -> dict[str, Any]:
    """Bookings, newest first: of one `traveller` or of all, at most `limit`, older than the booking `before`."""
    limit = number_argument("limit", default=20, low=1, high=100)
    before = number_argument("before", default=None, low=1, high=2**31 - 1)
    query = select(Booking).order_by(Booking.id.desc()).limit(limit)
    if traveller := request.args.get("traveller"):
        query = query.where(Booking.traveller == traveller)
    if before is not None:
        query = query.where(Booking.id < before)
    listed = [booking.as_json() for booking in session().scalars(query)]
    return {"bookings": listed, "count": len(listed)}


@blueprint.get("/<int:booking_id>")
def show_booking(booking_id: int) -> dict[str, Any]:
    """One booking."""
    return _booking(booking_id).as_json()


@blueprint.delete("/<int:booking_id>")
def cancel_booking(booking_id: int) -> tuple[str, int]:
    """Refund the payment, free the seats, and forget the booking."""
    booking = _booking(booking_id)
    suppliers().refund(booking.authorisation)
    session().delete(booking)
    _return_seats(booking.destination, booking.seats)
    return "", 204


def _booking(booking_id: int) -> Booking:
    booking = session().get(Booking, booking_id)
    if booking is None:
        abort(404, f"There is no booking {booking_id}.")
    return booking


def _take_seats(slug: str, seats: int) -> bool:
    """Take seats in one statement, so that two travellers cannot take the same one; False where too few are left."""
    enough = (Destination.slug == slug) & (Destination.seats_left >= seats)
    take = update(Destination).where(enough).values(seats_left=Destination.seats_left - seats)
    left = session().scalar(take.returning(Destination.seats_left))
    session().commit()
    return left is not None


def _return_seats(slug: str, seats: int) -> None:
    there = Destination.slug == slug
    session().execute(update(Destination).where(there).values(seats_left=Destination.seats_left + seats))
    session().commit()
