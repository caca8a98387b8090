"""Both clients: every request that was sent is a row, and only once."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.end_to_end

KINDS = pytest.mark.parametrize("kind", ["HttpUser", "FastHttpUser"])

USER = """
from locust import {kind}, task
import chaos_locust

class Buyer({kind}):
    @task
    def act(self):
        {act}
"""


def user(kind, act):
    """A locustfile of one task."""
    return USER.format(kind=kind, act=act.strip().replace("\n", "\n        "))


@KINDS
def test_a_reset_connection_is_one_request_and_one_row(locust, kind):
    """Neither client sends a request again by itself, and rows, hits and totals agree."""
    run = locust(user(kind, 'self.client.get("/flaky")'), "-u", "2", "--chaos-requests", "30")
    run.assert_agrees()
    failed = [row for row in run.rows() if row["error_class"]]
    assert (len(run.hits), len(failed)) == (30, 10)
    assert {row["status"] for row in failed} == {0}


@KINDS
def test_a_request_fails_at_the_deadline(locust, kind):
    """Also one whose body trickles in, where no single wait is long."""
    act = """
self.client.get("/ok?sleep=3")
self.client.get("/drip")
"""
    run = locust(user(kind, act), "--chaos-requests", "2", "--chaos-deadline", "0.4")
    run.assert_agrees()
    assert [row["error_class"] for row in run.rows()] == ["DeadlineError"] * 2
    assert all(390 < row["response_ms"] < 900 for row in run.rows())


@KINDS
def test_requests_that_a_user_sends_at_once_keep_their_own_keys_and_deadlines(locust, kind):
    """Each of three greenlets has a key of its own, also after a redirect; the slow one alone is late."""
    act = """
import gevent
paths = ("/ok?sleep=0.1", "/redirect", "/ok?sleep=3")
gevent.joinall([gevent.spawn(self.client.get, path) for path in paths])
"""
    run = locust(user(kind, act), "--chaos-requests", "3", "--chaos-deadline", "0.5")
    rows = {row["path"]: row for row in run.rows()}
    assert sorted(row["key"] for row in rows.values()) == ["0.0.1", "0.0.2", "0.0.3"]
    assert {path: row["error_class"] for path, row in rows.items()} == {
        "/ok?sleep=0.1": None,
        "/redirect": None,
        "/ok?sleep=3": "DeadlineError",
    }
    expected = [(row["key"], path.partition("?")[0]) for path, row in rows.items()]
    expected.append((rows["/redirect"]["key"], "/ok"))
    assert sorted((hit["key"], hit["path"]) for hit in run.hits) == sorted(expected)


@KINDS
def test_each_way_for_a_request_to_end_has_its_columns(locust, kind):
    """Statuses, faults and content checks; and a `with` block that raises, whose request Locust itself would drop."""
    act = """
from locust.exception import RescheduleTask
self.client.get("/broken")
self.client.get("/faulted", headers={"X-Mine": "1"})
with self.client.get("/ok", catch_response=True) as answer:
    answer.failure("not what I asked for")
with self.rest("GET", "/ok") as answer:
    assert answer.js["path"] == "/ok"
self.client.get("/redirect")
try:
    with self.client.get("/ok", catch_response=True) as answer:
        answer.json()["no such key"]
except KeyError:
    pass
with self.client.get("/ok", catch_response=True):
    raise RescheduleTask
"""
    run = locust(user(kind, act), "--chaos-requests", "7")
    columns = ("key", "status", "error_class", "faults")
    assert [tuple(row[name] for name in columns) for row in run.rows()] == [
        ("0.0.1", 500, "HTTPError", ""),
        ("0.0.2", 200, None, "0.0.2:some-rule"),
        ("0.0.3", 200, "CatchResponseError", ""),
        ("0.0.4", 200, None, ""),
        ("0.0.5", 200, None, ""),
        ("0.0.6", 200, "KeyError", ""),
        ("0.0.7", 200, None, ""),
    ]
    assert run.rows()[2]["error"] == "not what I asked for"
    assert [hit["path"] for hit in run.hits if hit["key"] == "0.0.5"] == ["/redirect", "/ok"]
    assert run.total() == len(run.rows())
    assert int(run.table("stats")[-1]["Failure Count"]) == 3


def test_a_client_that_builds_requests_from_other_arguments_sends_keys_too(locust):
    """As another version of geventhttpclient may."""
    other = """
from geventhttpclient.client import HTTPClient
plain = HTTPClient._build_request
HTTPClient._build_request = lambda self, *args, **kwargs: plain(self, *args, **kwargs)
"""
    locust(other + user("FastHttpUser", 'self.client.get("/ok")'), "--chaos-requests", "5").assert_agrees()


@KINDS
def test_a_user_that_is_killed_in_the_middle_of_a_request_leaves_a_row(locust, kind):
    """The app has seen the request, so the row must be there when the stop timeout is shorter than the answer."""
    options = ("-u", "2", "--run-time", "1", "--stop-timeout", "1", "--chaos-stages", "chaos=9s")
    run = locust(user(kind, 'self.client.get("/ok?sleep=5")'), *options)
    run.assert_agrees()
    assert [row["error_class"] for row in run.rows()] == ["GreenletExit"] * 2
