"""The contents of real answers under both of Locust's clients."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.end_to_end

USERS = """
from locust import {client} as Client, constant, task
import chaos_locust

class Buyer(Client):
    wait_time = constant(0.01)

    @task
    def look(self):
        self.client.get("/items")
        with self.client.get("/ok", catch_response=True) as answer:
            assert answer.json() == {{"path": "/ok"}}
        self.client.get("/faulted")
        self.client.get("/broken")
        self.client.get("/reset")
        streamed = self.client.get("/streamed", stream=True)
        text = streamed.text
        assert "streamed" in text, text
"""


@pytest.mark.parametrize("client", ["HttpUser", "FastHttpUser"])
def test_both_clients_answers_have_the_same_contents(locust, client):
    """Also where the user judges the answer, and where the status is an error's; no answer and a stream have none."""
    run = locust(USERS.format(client=client), "-u", "1", "--chaos-requests", "6", "--chaos-stages", "chaos=100%")
    rows = {row["name"]: row for row in run.rows()}
    assert rows["/streamed"]["content"] is rows["/reset"]["content"] is None
    shapes = {row["content"].partition(".")[0] for name, row in rows.items() if name not in ("/streamed", "/reset")}
    assert len({row["content"] for row in rows.values()}) == 5
    (shape,) = shapes
    told = {(record["method"], record["name"], record["status"]) for record in run.beside("shapes-local.jsonl")}
    assert told == {("GET", "/items", 200), ("GET", "/ok", 200), ("GET", "/faulted", 200), ("GET", "/broken", 500)}
    assert {tuple(record["paths"]) for record in run.beside("shapes-local.jsonl")} == {("path:string",)}
    assert {record["shape"] for record in run.beside("shapes-local.jsonl")} == {shape}
    assert "AssertionError" not in run.output
