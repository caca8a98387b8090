"""httpx, sync and async, against a real server."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import inspect
import threading
import time

import httpx
import pytest

from chaos_middleware import injected_by
from chaos_middleware.seams.http_client import SEAM

BODY = b'{"fares": ' + str(list(range(40))).encode() + b"}"
LATENCY = {"type": "latency", "seconds": 0.2}


def _sync(url, method="GET", transport=None, **kwargs):
    with httpx.Client(trust_env=False, transport=transport and httpx.HTTPTransport(**transport)) as client:
        return client.request(method, url, **kwargs)


async def _in_a_loop(url, method="GET", transport=None, **kwargs):
    made = transport and httpx.AsyncHTTPTransport(**transport)
    async with httpx.AsyncClient(trust_env=False, transport=made) as client:
        return await client.request(method, url, **kwargs)


def _async(url, **kwargs):
    return asyncio.run(_in_a_loop(url, **kwargs))


@pytest.fixture(params=[_sync, _async], ids=["sync", "async"])
def call(request):
    """One call by a client of its own."""
    return request.param


def test_an_idempotency_key_is_known_by_its_hash(chaos, upstream, call):
    """The same for the same key."""
    app = chaos({"rate": 0, "fault": {"type": "noop"}})
    for key in ("a", "a", "b"):
        app.run(lambda key=key: call(f"{upstream.url}/ok", method="POST", headers={"Idempotency-Key": key}))
    first, second, other = (record["idempotency_key"] for record in app.records("call"))
    assert first == second != other


def test_a_call_is_noted_with_its_site(chaos, upstream):
    """The note has identity, status, the caller's timeouts and the app's own line; none of a request without a key."""
    app = chaos({"rate": 0, "fault": {"type": "noop"}})

    def view():
        return httpx.get(f"{upstream.url}/ok?a=1", timeout=httpx.Timeout(2, connect=1)).status_code

    assert app.run(view) == app.run(view, key=None) == 200
    (call,) = app.records("call")
    assert call["target"] == "GET 127.0.0.1/ok?a=1"
    assert (call["status"], call["error"], call["timeout"], call["faults"]) == (200, None, [1, 2], [])
    assert call["site"]["file"] == __file__
    assert call["site"]["line"] == inspect.getsourcelines(view)[1] + 1
    assert app.reached() == [["1.0.0", "chaos", "1", "GET 127.0.0.1/ok?a=1", "0"]]


def test_an_async_call_is_noted_with_its_site(chaos, upstream):
    """In tasks of a loop that a view runs, the request is the current one, and the awaiting line is the site."""
    app = chaos({"rate": 0, "fault": {"type": "noop"}})

    async def ask(client):
        return (await client.get(f"{upstream.url}/ok", timeout=None)).status_code

    async def ask_twice():
        async with httpx.AsyncClient(trust_env=False) as client:
            return await asyncio.gather(ask(client), ask(client))

    assert app.run(lambda: asyncio.run(ask_twice())) == [200, 200]
    calls = app.records("call")
    assert sorted(call["occurrence"] for call in calls) == [0, 1]
    assert {call["timeout"] for call in calls} == {None}
    assert {call["site"]["line"] for call in calls} == {inspect.getsourcelines(ask)[1] + 1}


def test_a_delay_within_the_timeout_holds_the_call_up(chaos, upstream, call):
    """The call takes the delay longer and then succeeds."""
    app = chaos({"fault": LATENCY})
    assert app.run(lambda: call(f"{upstream.url}/ok", timeout=1).status_code) == 200
    assert 0.2 <= app.records("call")[0]["seconds"] < 0.7
    assert 0.2 <= app.records("end")[0]["measured"]["seconds"] < 0.7


def test_a_delay_beyond_the_timeout_ends_with_it(chaos, upstream, call):
    """A delay of 2 s on a call with a timeout of 0.3 s is `ReadTimeout` at 0.3 s; nothing is sent."""
    app = chaos({"fault": {"type": "latency", "seconds": 2}})
    error, seconds = app.timed(lambda: call(f"{upstream.url}/ok", timeout=0.3))
    assert type(error) is httpx.ReadTimeout
    assert str(error.request.url) == f"{upstream.url}/ok"
    assert 0.3 <= seconds < 0.8
    assert upstream.hits == []
    assert injected_by(error) == app.records("fault")[0]["id"]


def test_what_is_left_of_the_timeout_bounds_the_real_call(chaos, upstream, call):
    """With 0.2 s of delay, a server that takes 0.3 s runs into a timeout of 0.4 s."""
    app = chaos({"fault": LATENCY})
    error, seconds = app.timed(lambda: call(f"{upstream.url}/slow?0.3", timeout=0.4))
    assert type(error) is httpx.ReadTimeout
    assert 0.4 <= seconds < 0.9
    assert injected_by(error) == app.records("fault")[0]["id"]


def test_the_body_has_the_callers_whole_timeout_after_a_delay(chaos, upstream, call):
    """A body that takes longer than what the delay left of the timeout still comes, for the timeout is of each read."""
    app = chaos({"fault": LATENCY})
    response = app.run(lambda: call(f"{upstream.url}/late-body?0.3", timeout=0.4))
    assert response.content == BODY
    assert response.request.extensions["timeout"]["read"] == 0.4


def test_async_delays_hold_up_only_their_own_call(chaos, upstream):
    """Five delays of 0.2 s in one loop take far less than a second; a blocking one stalls the loop."""

    async def five():
        async with httpx.AsyncClient(trust_env=False) as client:
            await asyncio.gather(*(client.get(f"{upstream.url}/ok?{n}", timeout=5) for n in range(5)))

    def seconds(app):
        started = time.monotonic()
        app.run(lambda: asyncio.run(five()))
        return time.monotonic() - started

    assert 0.2 <= seconds(chaos({"fault": LATENCY})) < 0.8
    assert seconds(chaos({"fault": {**LATENCY, "blocking": True}})) >= 1


def test_a_task_that_is_cancelled_while_it_is_delayed_ends_at_once(chaos, upstream):
    """The app's own `wait_for` bounds a delay of 5 s, and the ledger says what became of it."""
    app = chaos({"fault": {"type": "latency", "seconds": 5}})

    async def bounded():
        await asyncio.wait_for(_in_a_loop(f"{upstream.url}/ok", timeout=10), 0.2)

    error, seconds = app.timed(lambda: asyncio.run(bounded()))
    assert isinstance(error, (TimeoutError, asyncio.TimeoutError))
    assert 0.2 <= seconds < 1
    assert app.records("end")[0]["measured"]["did"] == "CancelledError"
    assert app.records("call")[0]["error"] == "CancelledError"


def test_the_kill_switch_wakes_a_delayed_call(chaos, upstream, call):
    """A call that sleeps goes on with the real thing when faults are stopped, also one on its way to a timeout."""
    app = chaos({"fault": {"type": "latency", "seconds": 60}})
    stop = threading.Timer(0.2, app.middleware.injector.control.kill)
    stop.start()
    started = time.monotonic()
    assert app.run(lambda: call(f"{upstream.url}/ok", timeout=20).status_code) == 200
    assert time.monotonic() - started < 5
    stop.join()


def test_connect_timeout_waits_the_callers_own(chaos, upstream, call):
    """The connect timeout is waited out, then the library's error comes; without one, after `give_up`."""
    app = chaos({"fault": {"type": "connect_timeout", "give_up": 0.1}})
    error, seconds = app.timed(lambda: call(f"{upstream.url}/ok", timeout=httpx.Timeout(5, connect=0.2)))
    assert type(error) is httpx.ConnectTimeout
    assert 0.2 <= seconds < 0.7
    error, seconds = app.timed(lambda: call(f"{upstream.url}/ok", timeout=None))
    assert type(error) is httpx.ConnectTimeout
    assert 0.1 <= seconds < 0.6
    assert injected_by(error)
    assert upstream.hits == []


def test_read_timeout_waits_the_callers_own(chaos, upstream, call):
    """The read timeout is waited out; a caller that never gives up meets a reset after `give_up`."""
    app = chaos({"fault": {"type": "read_timeout", "give_up": 0.1}})
    error, seconds = app.timed(lambda: call(f"{upstream.url}/ok", timeout=httpx.Timeout(5, read=0.2)))
    assert type(error) is httpx.ReadTimeout
    assert 0.2 <= seconds < 0.7
    assert app.records("call")[0]["error"] == "ReadTimeout"
    error, seconds = app.timed(lambda: call(f"{upstream.url}/ok", timeout=None))
    assert type(error) is httpx.ReadError
    assert 0.1 <= seconds < 0.6


def test_connection_reset_has_its_errno(chaos, upstream, call):
    """`ReadError` over httpcore's own over ECONNRESET, marked as injected."""
    app = chaos({"fault": {"type": "connection_reset"}})
    error, _ = app.timed(lambda: call(f"{upstream.url}/ok", timeout=1))
    assert type(error) is httpx.ReadError
    assert error.__cause__.__cause__.errno == errno.ECONNRESET
    assert injected_by(error) == app.records("fault")[0]["id"]
    assert upstream.hits == []


def test_connection_refused_is_the_librarys_error_with_its_errno(chaos, upstream):
    """It is `ConnectError` and reads as the one of a port where nobody listens, over ECONNREFUSED."""
    app = chaos({"fault": {"type": "connection_refused"}})
    real, _ = app.timed(lambda: _sync("http://127.0.0.1:1/ok", timeout=1), key=None)
    error, _ = app.timed(lambda: _sync(f"{upstream.url}/ok", timeout=1))
    assert type(error) is type(real) is httpx.ConnectError
    assert str(error) == str(real)
    assert type(error.__cause__) is type(real.__cause__)
    assert error.__cause__.__cause__.errno == errno.ECONNREFUSED
    assert upstream.hits == []


@pytest.mark.parametrize("fault", ["connection_refused", "connect_timeout"])
def test_a_transports_own_retries_see_a_failure_to_connect(chaos, upstream, call, fault):
    """`retries=1` makes a second attempt, which is a call of its own with a draw of its own."""
    app = chaos({"fault": {"type": fault}, "gate": {"first": 1}})
    assert app.run(lambda: call(f"{upstream.url}/ok", transport={"retries": 1}, timeout=0.2)).status_code == 200
    assert [(c["occurrence"], c["status"]) for c in app.records("call")] == [(0, None), (1, 200)]


def test_a_transports_own_retries_are_used_up(chaos, upstream, call):
    """An outage outlasts `retries=1`; a reset, which the library does not repeat, is not repeated."""
    app = chaos({"fault": {"type": "connection_refused"}, "persistence": "request"})
    error, _ = app.timed(lambda: call(f"{upstream.url}/ok", transport={"retries": 1}, timeout=1))
    assert type(error) is httpx.ConnectError
    assert len(app.records("call")) == 2
    app = chaos({"fault": {"type": "connection_reset"}})
    app.timed(lambda: call(f"{upstream.url}/ok", transport={"retries": 1}, timeout=1))
    assert len(app.records("call")) == 1


@pytest.mark.parametrize("fault", ["connection_reset", "read_timeout", "latency"])
def test_after_means_that_the_server_has_done_it(chaos, upstream, call, fault):
    """In phase `after` the server sees the request, and only the answer is lost, within the caller's timeout."""
    settings = {"type": fault, **({"seconds": 2} if fault == "latency" else {})}
    app = chaos({"fault": settings, "phase": "after"})
    error, seconds = app.timed(lambda: call(f"{upstream.url}/slow?0.1", method="POST", content=b"x", timeout=0.3))
    assert isinstance(error, (httpx.ReadError, httpx.ReadTimeout))
    assert [hit[0] for hit in upstream.hits] == ["POST"]
    assert 0.1 <= seconds < 0.8
    assert injected_by(error)


@pytest.mark.parametrize(("phase", "hits"), [("before", 0), ("after", 1)])
def test_http_error_is_a_real_response(chaos, upstream, call, phase, hits):
    """The library hands out the status, reason, headers and body as if a server had sent them."""
    app = chaos({"fault": {"type": "http_error", "status": 503, "body": '{"why": "down"}'}, "phase": phase})
    response = app.run(lambda: call(f"{upstream.url}/ok", method="POST", content=b"x" * 10, timeout=1))
    assert (response.status_code, response.reason_phrase, response.json()) == (
        503,
        "Service Unavailable",
        {"why": "down"},
    )
    assert response.headers["Content-Type"] == "application/json"
    with pytest.raises(httpx.HTTPStatusError):
        response.raise_for_status()
    assert len(upstream.hits) == hits
    assert app.records("call")[0]["status"] == 503
    assert app.records("end")[0]["measured"]["did"] == "503"


def test_http_error_has_no_body_for_head(chaos, upstream, call):
    """A HEAD request gets the status and no body."""
    app = chaos({"fault": {"type": "http_error", "status": 500}})
    response = app.run(lambda: call(f"{upstream.url}/ok", method="HEAD", timeout=1))
    assert (response.status_code, response.content) == (500, b"")


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("path", ["/ok", "/gzip", "/chunked"])
def test_garbage_body_comes_with_a_200(chaos, upstream, call, phase, path):
    """The body is another one, whole and undamaged in its framing; `after` keeps the real status and headers."""
    app = chaos({"fault": {"type": "garbage_body", "body": "<html>no</html>"}, "phase": phase})
    response = app.run(lambda: call(upstream.url + path, timeout=1))
    assert (response.status_code, response.content) == (200, b"<html>no</html>")
    assert len(upstream.hits) == (phase == "after")
    assert ("X-Real" in response.headers) == (phase == "after" and path == "/ok")


@pytest.mark.parametrize("path", ["/ok", "/gzip", "/chunked", "/old"])
def test_truncated_body_is_a_protocol_error(chaos, upstream, call, path):
    """A body that breaks off is `RemoteProtocolError` where it is read, marked as injected."""
    app = chaos({"fault": {"type": "truncated_body", "keep": 0.5}})
    error, _ = app.timed(lambda: call(upstream.url + path, timeout=1))
    assert type(error) is httpx.RemoteProtocolError
    assert "peer closed connection without sending complete message body" in str(error)
    assert injected_by(error) == app.records("fault")[0]["id"]
    assert "bytes" in app.records("end")[0]["measured"]["did"]
    assert app.records("call")[0]["status"] == 200


def test_a_truncated_body_breaks_off_while_streaming(chaos, upstream):
    """The status and the first half of the body come, then the error."""
    app = chaos({"fault": {"type": "truncated_body", "keep": 0.5}})
    seen = []

    def view():
        with httpx.stream("GET", f"{upstream.url}/ok", timeout=1) as response:
            seen.append(response.status_code)
            seen.extend(response.iter_bytes(10))

    error, _ = app.timed(view)
    assert type(error) is httpx.RemoteProtocolError
    assert seen[0] == 200
    assert b"".join(seen[1:]) == BODY[: len(BODY) // 2 // 10 * 10]


@pytest.mark.parametrize(("method", "path"), [("GET", "/empty"), ("HEAD", "/ok")])
def test_an_answer_without_a_body_cannot_be_truncated(chaos, upstream, call, method, path):
    """It stays what it is; the ledger says that there was nothing to cut."""
    app = chaos({"fault": {"type": "truncated_body"}})
    assert app.run(lambda: call(upstream.url + path, method=method, timeout=1)).is_success
    assert app.records("end")[0]["measured"]["did"] == "there was no body"


def test_a_truncation_that_may_not_act_leaves_the_answer_whole(chaos, upstream, call):
    """When the kill switch is on, the rule fires, is recorded as suppressed, and the app gets its answer."""
    app = chaos({"fault": {"type": "truncated_body"}})
    app.middleware.injector.control.kill()
    assert app.run(lambda: call(f"{upstream.url}/chunked", timeout=1)).content == BODY
    assert {s["reason"] for s in app.records("suppressed")} == {"killed"}


def test_streams_come_as_the_server_sends_them(chaos, upstream):
    """A delay leaves the answer a stream, read after the call has ended."""
    app = chaos({"fault": LATENCY})

    def view():
        with httpx.stream("GET", f"{upstream.url}/chunked", timeout=1) as response:
            return list(response.iter_raw())

    assert app.run(view) == [BODY[:50], BODY[50:]]


def test_redirects_are_calls_of_their_own(chaos, upstream, call):
    """Each hop is drawn for and noted under its own identity."""
    app = chaos({"fault": {"type": "http_error"}, "match": {"path": ["/ok"]}})
    response = app.run(lambda: call(f"{upstream.url}/redirect", follow_redirects=True, timeout=1))
    assert (response.status_code, [hop.status_code for hop in response.history]) == (503, [302])
    assert [c["target"] for c in app.records("call")] == ["GET 127.0.0.1/redirect", "GET 127.0.0.1/ok"]


def test_an_injected_answer_keeps_the_connection_alive(chaos, upstream):
    """A kept-alive connection of a client is used again after an http_error before a call."""
    app = chaos({"fault": {"type": "http_error"}, "match": {"path": ["/bad"]}})

    def view():
        with httpx.Client(trust_env=False) as client:
            return [client.get(upstream.url + path, timeout=1).status_code for path in ("/ok", "/bad", "/ok")]

    assert app.run(view) == [200, 503, 200]
    assert [hit[1] for hit in upstream.hits] == ["/ok", "/ok"]
    assert len({hit[2] for hit in upstream.hits}) == 1


@pytest.mark.parametrize("fault", ["connection_reset", "truncated_body", "read_timeout", "http_error"])
def test_a_broken_connection_is_not_used_again(chaos, upstream, fault):
    """After a fault that breaks it, the pool has closed it, and the next call has a new one, and its own answer."""
    app = chaos({"fault": {"type": fault}, "match": {"path": ["/slow"]}, "phase": "after"})

    def view():
        with httpx.Client(trust_env=False, timeout=0.2) as client:
            first = client.get(f"{upstream.url}/ok")
            with contextlib.suppress(httpx.HTTPError):
                client.get(f"{upstream.url}/slow?0")
            last = client.get(f"{upstream.url}/ok")
            assert len(client._transport._pool.connections) == 1
            return first.content == last.content

    assert app.run(view) is True
    assert upstream.hits[0][2] == upstream.hits[1][2] != upstream.hits[2][2]


def test_a_real_failure_is_noted_and_not_called_injected(chaos, call):
    """A refused connection of the app's own has its class in the note, no fault, and no mark."""
    app = chaos()
    error, _ = app.timed(lambda: call("http://127.0.0.1:1/", timeout=1))
    assert injected_by(error) is None
    (noted,) = app.records("call")
    assert (noted["status"], noted["error"], noted["faults"]) == (None, "ConnectError", [])


def test_the_threads_of_a_request_lose_no_note(chaos, upstream):
    """Calls of eight threads by one client are all noted, each with an occurrence of its own."""
    app = chaos({"fault": {"type": "noop"}})

    def view():
        with httpx.Client(trust_env=False) as client:
            ask = lambda: client.get(f"{upstream.url}/ok", timeout=5)  # noqa: E731
            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    app.run(view)
    assert sorted(call["occurrence"] for call in app.records("call")) == list(range(8))


def test_uninstall_restores_the_very_functions():
    """The transports' methods are the objects that they were."""
    kinds = ((httpx.HTTPTransport, "handle_request"), (httpx.AsyncHTTPTransport, "handle_async_request"))
    before = [vars(kind)[name] for kind, name in kinds]
    SEAM.install()
    assert all(vars(kind)[name] is not there for (kind, name), there in zip(kinds, before, strict=True))
    SEAM.uninstall()
    assert [vars(kind)[name] for kind, name in kinds] == before
