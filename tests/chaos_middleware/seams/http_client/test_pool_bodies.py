"""Truncated and garbled answers in urllib3's pools, under `requests` and bare, against a real server.

Truncation with a Content-Length does not hold for urllib3 1.26, which passes a short body on without a word.
"""

from __future__ import annotations

import pytest
import requests
import urllib3
from urllib3.util import Retry

from chaos_middleware import injected_by

BODY = b'{"fares": ' + str(list(range(40))).encode() + b"}"


@pytest.mark.parametrize("path", ["/ok", "/gzip", "/old"])
def test_truncated_body_is_the_librarys_incomplete_read(chaos, upstream, path):
    """A body that ends before its Content-Length is `ChunkedEncodingError` in requests, marked as injected."""
    app = chaos({"fault": {"type": "truncated_body", "keep": 0.5}})
    error, _ = app.timed(lambda: requests.get(upstream.url + path, timeout=1))
    assert type(error) is requests.exceptions.ChunkedEncodingError
    assert "IncompleteRead(" in str(error)
    assert injected_by(error) == app.records("fault")[0]["id"]
    assert "bytes" in app.records("end")[0]["measured"]["did"]
    assert app.records("call")[0]["status"] == 200


def test_truncated_chunks_are_the_librarys_incomplete_read(chaos, upstream):
    """A chunked body breaks off in the middle of a chunk."""
    app = chaos({"fault": {"type": "truncated_body", "keep": 0.5}})
    error, _ = app.timed(lambda: requests.get(f"{upstream.url}/chunked", timeout=1))
    assert type(error) is requests.exceptions.ChunkedEncodingError
    assert injected_by(error) == app.records("fault")[0]["id"]


def test_a_truncated_body_breaks_off_while_streaming(chaos, upstream):
    """The status and the first half of the body come, then the error."""
    app = chaos({"fault": {"type": "truncated_body", "keep": 0.5}})
    seen = []

    def view():
        with requests.get(f"{upstream.url}/chunked", timeout=1, stream=True) as response:
            seen.append(response.status_code)
            seen.extend(response.iter_content(10))

    error, _ = app.timed(view)
    assert type(error) is requests.exceptions.ChunkedEncodingError
    assert seen[0] == 200


def test_a_truncated_body_that_urllib3_reads_by_itself(chaos, upstream):
    """With `preload_content`, the error comes from the call itself, and a retry gets the whole."""
    app = chaos({"fault": {"type": "truncated_body"}, "gate": {"first": 1}})
    pool = urllib3.PoolManager(retries=Retry(2))
    assert app.run(lambda: pool.request("GET", f"{upstream.url}/ok", timeout=1.0)).data == BODY
    assert len(upstream.hits) == 2


def test_an_answer_without_a_body_cannot_be_truncated(chaos, upstream):
    """A 204 stays what it is; the ledger says that there was nothing to cut."""
    app = chaos({"fault": {"type": "truncated_body"}})
    assert app.run(lambda: requests.get(f"{upstream.url}/empty", timeout=1)).status_code == 204
    assert app.records("end")[0]["measured"]["did"] == "there was no body"


@pytest.mark.parametrize(("phase", "hits"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("path", ["/ok", "/gzip", "/chunked"])
def test_garbage_body_comes_with_a_200(chaos, upstream, phase, hits, path):
    """The body is another one, whole and undamaged in its framing; `after` keeps the real status and headers."""
    app = chaos({"fault": {"type": "garbage_body", "body": "<html>no</html>"}, "phase": phase})
    response = app.run(lambda: requests.get(upstream.url + path, timeout=1))
    assert (response.status_code, response.content) == (200, b"<html>no</html>")
    assert len(upstream.hits) == hits
    assert ("X-Real" in response.headers) == (phase == "after" and path == "/ok")
