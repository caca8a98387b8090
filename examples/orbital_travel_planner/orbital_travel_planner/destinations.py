"""Destinations with their live fares."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, request
from sqlalchemy import func, select

from .database import session
from .models import Destination
from .suppliers import suppliers
from .validation import number_argument

blueprint = Blueprint("destinations", __name__, url_prefix="/api/destinations")


@blueprint.get("")
def list_destinations() -> dict[str, Any]:
    """Destinations in the order of their slugs, filtered by `body` and `max_fare`, at most `limit`."""
    limit = number_argument("limit", default=20, low=1, high=100)
    max_fare = number_argument("max_fare", default=None, low=0, high=1_000_000_000)
    query = select(Destination).order_by(Destination.slug)
    if body := request.args.get("body"):
        query = query.where(func.lower(Destination.body) == body.lower())
    found = session().scalars(query).all()
    fares = suppliers().fares([destination.slug for destination in found]) if found else {}
    listed = [destination.as_json(fares.get(destination.slug)) for destination in found]
    if max_fare is not None:
        listed = [item for item in listed if item["fare"]["amount"] <= max_fare]
    listed = listed[:limit]
    return {"destinations": listed, "count": len(listed)}


@blueprint.get("/<slug>")
def show_destination(slug: str) -> dict[str, Any]:
    """One destination, with its fare and the advisory for travellers."""
    destination = session().get(Destination, slug)
    if destination is None:
        abort(404, f"No destination is called {slug!r}.")
    shown = destination.as_json(suppliers().fare(slug))
    return {**shown, "advisory": suppliers().advisory(slug)}
