"""What clients send, checked: query arguments and the order of a booking. What does not pass is answered with 400."""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

from flask import abort, request

MAX_SEATS = 8


@dataclass(frozen=True)
class Order:
    """A checked request for seats."""

    traveller: str
    destination: str
    seats: int


@overload
def number_argument(name: str, *, default: int, low: int, high: int) -> int: ...
@overload
def number_argument(name: str, *, default: None, low: int, high: int) -> int | None: ...
def number_argument(name: str, *, default: int | None, low: int, high: int) -> int | None:
    """The query argument `name`, a whole number from `low` to `high`; `default` where it is not given."""
    given = request.args.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and low <= int(given) <= high):
        abort(400, f"{name} must be a whole number from {low} to {high}, not {given!r}.")
    return int(given)


def order_from_json(body: object) -> Order:
    """The order that a request body holds."""
    if not isinstance(body, dict):
        abort(400, "The body must be a JSON object.")
    seats = body.get("seats")
    if type(seats) is not int or not 1 <= seats <= MAX_SEATS:
        abort(400, f"seats must be a whole number from 1 to {MAX_SEATS}.")
    return Order(traveller=_text(body, "traveller", 80), destination=_text(body, "destination", 40), seats=seats)


def _text(body: dict[str, object], name: str, longest: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        abort(400, f"{name} must be text of 1 to {longest} characters.")
    return value.strip()
