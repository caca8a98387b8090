"""The service as invariants ask it, with a real server."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.end_to_end


def test_it_asks_without_a_key_in_a_stage_without_faults(pure, server):
    """Such a request is no load: the middleware leaves it alone."""
    server.take()
    answer = pure.service.Service(server.url).get("/items?x=1")
    (hit,) = server.take()
    assert (hit["key"], hit["stage"], hit["path"]) == (None, "baseline", "/items")
    assert (answer.status, answer.json()) == (200, {"path": "/items"})


def test_it_sends_json_and_headers(pure, server):
    """To log in, for example."""
    service = pure.service.Service(server.url)
    service.headers["X-Chaos-Stage"] = "audit"
    server.take()
    service.request("POST", "login", {"user": "auditor"})
    (hit,) = server.take()
    assert (hit["method"], json.loads(hit["body"]), hit["stage"]) == ("POST", {"user": "auditor"}, "audit")


def test_an_error_is_an_answer_and_a_reset_is_not(pure, server):
    """`get` leaves the judgement to the invariant, `json` wants a 200."""
    service = pure.service.Service(server.url)
    assert service.get("/broken").status == 500
    with pytest.raises(pure.service.ServiceError, match="GET /broken answered 500"):
        service.json("/broken")
    with pytest.raises(pure.service.ServiceError, match="GET /reset got no answer: "):
        service.get("/reset")


def test_redirects_are_followed_and_whole_urls_taken(pure, server):
    """As the users' own clients do it."""
    service = pure.service.Service("http://127.0.0.1:9")
    assert service.get(f"{server.url}/redirect").json() == {"path": "/ok"}


def test_an_address_that_is_none_is_no_answer(pure):
    """It is told in a sentence like any other trouble."""
    with pytest.raises(pure.service.ServiceError, match="GET /items got no answer: ValueError"):
        pure.service.Service("nonsense").get("/items")
