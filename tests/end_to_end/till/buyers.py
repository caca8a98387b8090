"""People who look at prices, and buy."""

from __future__ import annotations

import random

from locust import FastHttpUser, between, task

import chaos_locust  # noqa: F401 - it numbers and records the requests


class Buyer(FastHttpUser):
    """Looks twice as often as it buys."""

    wait_time = between(0.0, 0.05)

    @task(2)
    def look(self) -> None:
        """One of a hundred things."""
        self.client.get(f"/prices/{'x' * random.randint(1, 100)}", name="/prices/[item]")

    @task(1)
    def buy(self) -> None:
        """Likewise."""
        self.client.post("/orders", json={"item": "x" * random.randint(1, 100)})
