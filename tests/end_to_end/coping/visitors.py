"""Visitors of every route alike, who look at one answer closely."""

from __future__ import annotations

from locust import FastHttpUser, between, task

ROUTES = (
    *("handled", "degraded", "reduced", "wrong", "retried", "propagated", "mapped"),
    *("redirected", "hung", "lost", "crashed", "poisoned", "stormy"),
)


class Visitor(FastHttpUser):
    """One round is every route once."""

    wait_time = between(0.01, 0.02)

    @task
    def round(self) -> None:
        """In this order."""
        for route in ROUTES:
            self.client.get(f"/{route}")
        with self.client.get("/swallowed", catch_response=True) as answer:
            if answer.status_code == 200 and answer.json()["price"] is None:
                answer.failure("there is no price")
