"""urllib3 used without requests, and answers that are streamed, against a real server."""

from __future__ import annotations

import json

import pytest
import requests
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    IncompleteRead,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)
from urllib3.util import Retry

from chaos_middleware import injected_by

BODY = b'{"fares": ' + str(list(range(40))).encode() + b"}"
ERRORS = {
    "connect_timeout": ConnectTimeoutError,
    "connection_refused": NewConnectionError,
    "connection_reset": ProtocolError,
    "read_timeout": ReadTimeoutError,
}


@pytest.mark.parametrize("fault", ERRORS)
def test_its_own_errors_come_bare_and_out_of_retries(chaos, upstream, fault):
    """Without retries it is the library's error itself, with them `MaxRetryError` over it; both lead to the event."""
    app = chaos({"fault": {"type": fault}})
    pool = urllib3.PoolManager(timeout=0.1)
    error, _ = app.timed(lambda: pool.request("GET", f"{upstream.url}/ok", retries=False))
    assert type(error) is ERRORS[fault]
    assert injected_by(error)
    error, _ = app.timed(lambda: pool.request("GET", f"{upstream.url}/ok", retries=Retry(1)))
    assert type(error) is MaxRetryError
    assert type(error.reason) is ERRORS[fault]
    assert injected_by(error)
    assert [call["occurrence"] for call in app.records("call")] == [0, 0, 1]
    assert upstream.hits == []


def test_a_pool_manager_follows_redirects_hop_by_hop(chaos, upstream):
    """Each hop is drawn for and noted under its own identity, on one kept-alive connection."""
    app = chaos({"fault": {"type": "latency", "seconds": 0.1}, "match": {"path": ["/ok"]}})
    pool = urllib3.PoolManager()
    response = app.run(lambda: pool.request("GET", f"{upstream.url}/redirect", timeout=1.0))
    assert (response.status, response.data) == (200, BODY)
    assert [c["target"] for c in app.records("call")] == ["GET 127.0.0.1/redirect", "GET 127.0.0.1/ok"]
    assert len(app.records("fault")) == 1
    assert len({port for *_, port in upstream.hits}) == 1


def test_a_status_that_is_retried_draws_anew(chaos, upstream):
    """`status_forcelist` repeats an injected 503, and the second attempt gets the real answer."""
    app = chaos({"fault": {"type": "http_error"}, "gate": {"first": 1}})
    retries = Retry(2, status_forcelist=[503])
    response = app.run(lambda: urllib3.PoolManager().request("GET", f"{upstream.url}/ok", retries=retries, timeout=1.0))
    assert response.status == 200
    assert [c["status"] for c in app.records("call")] == [503, 200]


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_delayed_answer_is_still_a_stream(chaos, upstream, phase):
    """With `preload_content=False` the parts come as the server sends them, and the connection is used again."""
    app = chaos({"fault": {"type": "latency", "seconds": 0.1}, "phase": phase})
    pool = urllib3.PoolManager()

    def view():
        response = pool.request("GET", f"{upstream.url}/chunked", preload_content=False, timeout=1.0)
        parts = list(response.stream(1000))
        response.release_conn()
        return parts, pool.request("GET", f"{upstream.url}/ok", timeout=1.0).data

    assert app.run(view) == ([BODY[:50], BODY[50:]], BODY)
    assert len({port for *_, port in upstream.hits}) == 1


def test_an_injected_answer_can_be_streamed(chaos, upstream):
    """Its body is read piece by piece, as JSON from a file-like object, and its connection goes back to the pool."""
    app = chaos({"fault": {"type": "http_error", "body": '{"why": "down"}'}, "match": {"path": ["/bad"]}})
    pool = urllib3.PoolManager()

    def view():
        first = pool.request("GET", f"{upstream.url}/ok", timeout=1.0).status
        response = pool.request("GET", f"{upstream.url}/bad", preload_content=False, timeout=1.0)
        found = json.load(response)
        response.release_conn()
        return first, found, pool.request("GET", f"{upstream.url}/ok", timeout=1.0).status

    assert app.run(view) == (200, {"why": "down"}, 200)
    assert [path for _, path, _ in upstream.hits] == ["/ok", "/ok"]
    assert len({port for *_, port in upstream.hits}) == 1


@pytest.mark.parametrize("path", ["/ok", "/chunked"])
def test_a_stream_breaks_off_in_the_librarys_own_error(chaos, upstream, path):
    """Half of the body comes, then `ProtocolError` over `IncompleteRead`, marked as injected."""
    app = chaos({"fault": {"type": "truncated_body", "keep": 0.5}})
    seen = []

    def view():
        pool = urllib3.PoolManager()
        response = pool.request("GET", upstream.url + path, preload_content=False, retries=False, timeout=1.0)
        seen.append(response.status)
        seen.extend(response.stream(10))

    error, _ = app.timed(view)
    assert isinstance(error, ProtocolError)
    assert isinstance(error, IncompleteRead) or "IncompleteRead" in str(error)
    assert injected_by(error) == app.records("fault")[0]["id"]
    assert seen[0] == 200
    assert BODY.startswith(b"".join(seen[1:]))


def test_a_session_streams_after_a_delay(chaos, upstream):
    """`stream=True` with `iter_content` under requests: the whole body, and the connection is used again."""
    app = chaos({"fault": {"type": "latency", "seconds": 0.1}})

    def view():
        with requests.Session() as session:
            with session.get(f"{upstream.url}/chunked", stream=True, timeout=1) as response:
                body = b"".join(response.iter_content(7))
            return body, session.get(f"{upstream.url}/ok", timeout=1).content

    assert app.run(view) == (BODY, BODY)
    assert len({port for *_, port in upstream.hits}) == 1


def test_a_request_body_that_is_streamed_is_sent_once(chaos, upstream):
    """A generator as the body is used up by the one call whose answer is lost; the server has seen it once."""
    app = chaos({"fault": {"type": "connection_reset"}, "phase": "after"})
    body = iter([b"a" * 10, b"b" * 10])
    error, _ = app.timed(lambda: requests.post(f"{upstream.url}/ok", data=body, timeout=1))
    assert type(error) is requests.exceptions.ConnectionError
    assert list(body) == []
    assert [method for method, *_ in upstream.hits] == ["POST"]
