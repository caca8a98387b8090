"""Users without a locustfile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.end_to_end

FILE = Path(__file__).parents[2] / "chaos_locust" / "endpoint_user.py"


def test_endpoints_are_called_alike(locust):
    """Each endpoint gets its share, with its method and body; the query is not part of the name."""
    endpoints = ("GET /a?x=1", 'POST /b {"n": 1, "text": "two words"}')
    run = locust(FILE, "-u", "2", "--chaos-requests", "60", *(w for e in endpoints for w in ("--chaos-endpoint", e)))
    run.assert_agrees()
    assert {(row["method"], row["name"], row["path"]) for row in run.rows()} == {
        ("GET", "/a", "/a?x=1"),
        ("POST", "/b", "/b"),
    }
    assert 15 < sum(row["method"] == "GET" for row in run.rows()) < 45
    bodies = {hit["body"] for hit in run.hits if hit["method"] == "POST"}
    assert [json.loads(body) for body in bodies] == [{"n": 1, "text": "two words"}]


def test_a_number_is_another_one_in_each_request(locust):
    """In the path, not in the name, and in the body, as text or as a number; the same in a second run."""
    endpoint = 'PUT /items/{n}?of={n} {"name": "x{n}", "at": {n}}'
    runs = [locust(FILE, "-u", "3", "--chaos-requests", "30", "--chaos-endpoint", endpoint) for _ in "ab"]
    seen = [sorted((row["key"], row["path"]) for row in run.rows()) for run in runs]
    assert seen[0] == seen[1]
    assert len({path for _, path in seen[0]}) == 30
    assert {row["name"] for row in runs[0].rows()} == {"/items/{n}"}
    bodies = [json.loads(hit["body"]) for hit in runs[0].hits]
    assert all(body["name"] == f"x{body['at']}" for body in bodies)
    assert {f"/items/{body['at']}?of={body['at']}" for body in bodies} == {path for _, path in seen[0]}


@pytest.mark.parametrize("endpoint", [None, "GET a", "POST /a {n: 1}"])
def test_an_endpoint_that_is_none_is_refused(locust, endpoint):
    """In words, before anything is sent."""
    run = locust(FILE, "--chaos-requests", "9", *(("--chaos-endpoint", endpoint) if endpoint else ()))
    assert run.hits == []
    assert run.exit_code != 0
    assert "--chaos-endpoint" in run.output
    assert "Traceback" not in run.output
