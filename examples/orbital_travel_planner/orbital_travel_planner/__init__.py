"""The Orbital Travel Planner: destinations with live fares, and bookings that are paid for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flask import Flask

from . import bookings, database, destinations, errors, health, suppliers

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["create_app"]


def create_app(config: Mapping[str, object] | None = None) -> Flask:
    """Make the application; `config` wins over the environment, which wins over the defaults.

    Keys: DATABASE_URL, SUPPLIERS_URL, CACHE_URL (empty: no cache) and SEATS_PER_DESTINATION, besides Flask's own.
    """
    app = Flask(__name__)
    app.config.from_mapping(
        DATABASE_URL=os.environ.get("DATABASE_URL") or f"sqlite:///{app.instance_path}/planner.db",
        SUPPLIERS_URL=os.environ.get("SUPPLIERS_URL", "http://127.0.0.1:5001"),
        CACHE_URL=os.environ.get("CACHE_URL", ""),
        SEATS_PER_DESTINATION=int(os.environ.get("SEATS_PER_DESTINATION", "10000")),
        MAX_CONTENT_LENGTH=64 * 1024,
    )
    app.config.from_mapping(config or {})
    database.init_app(app)
    suppliers.init_app(app)
    errors.init_app(app)
    for module in (destinations, bookings, health):
        app.register_blueprint(module.blueprint)
    return app
