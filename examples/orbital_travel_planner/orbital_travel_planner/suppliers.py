"""The suppliers' service as the planner sees it: fares, travel advisories and payments, over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import requests
from flask import current_app

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask

Fare = dict[str, Any]  # {"amount": 1200, "currency": "EUR"}
FARES_TTL_SECONDS = 5


class PaymentDeclinedError(Exception):
    """The traveller's payment was refused."""


class Suppliers:
    """A client for the suppliers at `url`, with a session for each kind of call, as each has connections of its own.

    `cache`, a Redis client or None, keeps lists of fares for a few seconds.
    """

    def __init__(self, url: str, cache: Any = None) -> None:
        self.url = url.rstrip("/")
        self.cache = cache
        self.session = requests.Session()
        self.advisories = requests.Session()
        self.payments = requests.Session()

    def close(self) -> None:
        """Close the connections."""
        for each in (self.session, self.advisories, self.payments):
            each.close()

    def fares(self, slugs: Sequence[str]) -> dict[str, Fare]:
        """The fares of several destinations, in one call."""
        wanted = ",".join(slugs)
        if self.cache is not None:
            cached = self.cache.get(f"fares:{wanted}")
            if cached:
                return cast("dict[str, Fare]", json.loads(cached))
        response = self.session.get(f"{self.url}/fares", params={"destinations": wanted})
        response.raise_for_status()
        fares: dict[str, Fare] = response.json()["fares"]
        if self.cache is not None:
            self.cache.set(f"fares:{wanted}", json.dumps(fares), ex=FARES_TTL_SECONDS)
        return fares

    def fare(self, slug: str) -> Fare:
        """The fare of one seat to a destination."""
        response = self.session.get(f"{self.url}/fares/{slug}")
        response.raise_for_status()
        return cast("Fare", response.json())

    def advisory(self, slug: str) -> str | None:
        """What travellers to a destination should know today."""
        response = self.advisories.get(f"{self.url}/advisories/{slug}")
        return cast("str | None", response.json().get("advisory"))

    def authorise(self, traveller: str, amount: int, currency: str) -> str:
        """Have a payment authorised and return its id; raises `PaymentDeclinedError`."""
        payment = {"traveller": traveller, "amount": amount, "currency": currency}
        response = self.payments.post(f"{self.url}/authorisations", json=payment)
        if response.status_code == 402:
            raise PaymentDeclinedError
        response.raise_for_status()
        return cast("str", response.json()["authorisation"])

    def refund(self, authorisation: str) -> None:
        """Give the money of an authorised payment back."""
        response = self.payments.post(f"{self.url}/refunds", json={"authorisation": authorisation})
        response.raise_for_status()


def init_app(app: Flask) -> None:
    """Give `app` its client for the suppliers."""
    app.extensions["suppliers"] = Suppliers(app.config["SUPPLIERS_URL"], _cache(app.config["CACHE_URL"]))


def suppliers() -> Suppliers:
    """The current app's client for the suppliers."""
    return cast("Suppliers", current_app.extensions["suppliers"])


def _cache(url: str) -> Any:
    if not url:
        return None
    import redis  # noqa: PLC0415 - an extra, needed only where a cache is configured

    return redis.Redis.from_url(url)
