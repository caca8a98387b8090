"""`http.client` and `urllib.request` without urllib3, against a real server."""

from __future__ import annotations

import errno
import http.client
import json
import socket
import urllib.error
import urllib.request
import xmlrpc.client

import pytest
import requests
import urllib3

from chaos_middleware import injected_by

LATENCY = {"type": "latency", "seconds": 0.2}


def _get(url, **kwargs):
    """One call by http.client: status and body."""
    host, _, path = url[len("http://") :].partition("/")
    connection = http.client.HTTPConnection(host, **kwargs)
    try:
        connection.request("GET", f"/{path}")
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_urlopen_is_noted_with_its_site(chaos, upstream):
    """A call by urllib has identity, status, timeout and the app's own line, as one by requests has."""
    app = chaos()

    def view():
        with urllib.request.urlopen(f"{upstream.url}/ok?a=1", timeout=2) as response:
            return response.status

    assert app.run(view) == 200
    (call,) = app.records("call")
    assert (call["target"], call["status"], call["timeout"]) == ("GET 127.0.0.1/ok?a=1", 200, [2, 2])
    assert call["site"]["file"] == __file__
    assert call["site"]["function"].endswith("view")


def test_an_idempotency_key_is_known_by_its_hash(chaos, upstream):
    """It is read from the lines that are about to be sent, and is the one that other libraries' calls have."""
    app = chaos({"rate": 0, "fault": {"type": "noop"}})
    request = urllib.request.Request(f"{upstream.url}/ok", data=b"x", headers={"Idempotency-Key": "a"})
    app.run(lambda: urllib.request.urlopen(request, timeout=1).close())
    app.run(lambda: requests.post(f"{upstream.url}/ok", headers={"Idempotency-Key": "a"}, timeout=1))
    ours, theirs = (call["idempotency_key"] for call in app.records("call"))
    assert ours == theirs


def test_requests_is_hit_once(chaos, upstream):
    """urllib3 sends by http.client, but its call is one call, with one fault."""
    app = chaos({"fault": {"type": "noop"}})
    app.run(lambda: requests.get(f"{upstream.url}/ok", timeout=1))
    assert len(app.records("call")) == len(app.records("fault")) == len(app.reached()) == 1


def test_a_connection_of_urllib3_that_comes_by_the_hook_is_one_call_too(chaos, upstream, monkeypatch):
    """Somebody's own version of its method may end in http.client's."""
    app = chaos({"fault": {"type": "latency", "seconds": 0.01}})
    hook = http.client.HTTPConnection.endheaders

    def endheaders(conn, *args, **kwargs):
        hook(conn, *args, **kwargs)

    monkeypatch.setattr(urllib3.connection.HTTPConnection, "endheaders", endheaders)
    response = app.run(lambda: urllib3.PoolManager().request("GET", f"{upstream.url}/ok", timeout=1.0))
    assert response.status == 200
    assert len(app.records("call")) == len(app.records("fault")) == 1


def test_the_low_level_calls_are_seen_too(chaos, upstream):
    """What is built on `putrequest`, as xmlrpc is, meets the faults as well."""
    app = chaos({"fault": {"type": "http_error", "status": 502}})
    error, _ = app.timed(lambda: xmlrpc.client.ServerProxy(f"{upstream.url}/rpc").ping())
    assert type(error) is xmlrpc.client.ProtocolError
    assert error.errcode == 502
    assert app.records("call")[0]["target"] == "POST 127.0.0.1/rpc"


def test_a_delay_within_the_timeout_holds_the_call_up(chaos, upstream):
    """The call takes the delay longer and then succeeds."""
    app = chaos({"fault": LATENCY})
    assert app.run(lambda: _get(f"{upstream.url}/ok", timeout=1))[0] == 200
    assert 0.2 <= app.records("call")[0]["seconds"] < 0.7


def test_a_delay_beyond_the_timeout_ends_with_it(chaos, upstream):
    """A delay of 2 s on a call with a timeout of 0.3 s is a timeout error at 0.3 s, and urlopen passes it on bare."""
    app = chaos({"fault": {"type": "latency", "seconds": 2}})
    error, seconds = app.timed(lambda: urllib.request.urlopen(f"{upstream.url}/ok", timeout=0.3))
    assert type(error) is socket.timeout
    assert str(error) == "timed out"
    assert 0.3 <= seconds < 0.8
    assert injected_by(error) == app.records("fault")[0]["id"]
    assert upstream.hits == []


def test_what_is_left_of_the_timeout_bounds_the_real_call(chaos, upstream):
    """With 0.2 s of delay, a server that takes 0.3 s runs into a timeout of 0.4 s, and the error is marked."""
    app = chaos({"fault": LATENCY})
    error, seconds = app.timed(lambda: _get(f"{upstream.url}/slow?0.3", timeout=0.4))
    assert type(error) is socket.timeout
    assert 0.4 <= seconds < 0.9
    assert injected_by(error) == app.records("fault")[0]["id"]


def test_the_body_has_the_callers_whole_timeout_after_a_delay(chaos, upstream):
    """The shortened timeout ends with the wait for the answer, and the connection's next call has its own again."""
    app = chaos({"fault": LATENCY})

    def view():
        connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=5)
        connection.request("GET", "/ok")
        connection.getresponse().read()
        limits = connection.timeout, connection.sock.gettimeout()
        connection.close()
        return limits

    assert app.run(view) == (5, 5)


def test_connect_timeout_is_a_urlerror(chaos, upstream):
    """It fails where the connection is made, which urlopen wraps, after the caller's timeout."""
    app = chaos({"fault": {"type": "connect_timeout"}})
    error, seconds = app.timed(lambda: urllib.request.urlopen(f"{upstream.url}/ok", timeout=0.2))
    assert type(error) is urllib.error.URLError
    assert type(error.reason) is socket.timeout
    assert 0.2 <= seconds < 0.7
    assert injected_by(error)


def test_read_timeout_waits_the_callers_own(chaos, upstream):
    """It fails where the answer is read, after the caller's timeout."""
    app = chaos({"fault": {"type": "read_timeout"}})
    error, seconds = app.timed(lambda: _get(f"{upstream.url}/ok", timeout=0.2))
    assert type(error) is socket.timeout
    assert 0.2 <= seconds < 0.7
    assert app.records("call")[0]["error"] == socket.timeout.__name__


def test_read_timeout_ends_as_a_reset_where_the_caller_never_gives_up(chaos, upstream):
    """Without a timeout the peer resets the connection after `give_up`."""
    app = chaos({"fault": {"type": "read_timeout", "give_up": 0.1}})
    error, seconds = app.timed(lambda: _get(f"{upstream.url}/ok"))
    assert type(error) is ConnectionResetError
    assert 0.1 <= seconds < 0.6


def test_connection_reset_has_its_errno(chaos, upstream):
    """A reset before the call is ECONNRESET in http.client, and a URLError over it in urllib."""
    app = chaos({"fault": {"type": "connection_reset"}})
    error, _ = app.timed(lambda: _get(f"{upstream.url}/ok", timeout=1))
    assert (type(error), error.errno) == (ConnectionResetError, errno.ECONNRESET)
    error, _ = app.timed(lambda: urllib.request.urlopen(f"{upstream.url}/ok", timeout=1))
    assert type(error) is urllib.error.URLError
    assert error.reason.errno == errno.ECONNRESET
    assert injected_by(error)
    assert upstream.hits == []


def test_connection_refused_has_its_errno(chaos, upstream):
    """It is the error of a port where nobody listens, in http.client as in urllib."""
    app = chaos({"fault": {"type": "connection_refused"}})
    real, _ = app.timed(lambda: _get("http://127.0.0.1:1/ok", timeout=1), key=None)
    error, _ = app.timed(lambda: _get(f"{upstream.url}/ok", timeout=1))
    assert type(error) is ConnectionRefusedError
    assert error.args == real.args
    error, _ = app.timed(lambda: urllib.request.urlopen(f"{upstream.url}/ok", timeout=1))
    assert type(error) is urllib.error.URLError
    assert error.reason.errno == errno.ECONNREFUSED
    assert injected_by(error)
    assert upstream.hits == []


@pytest.mark.parametrize("fault", ["connection_reset", "read_timeout", "latency"])
def test_after_means_that_the_server_has_done_it(chaos, upstream, fault):
    """In phase `after` the server sees the request, and only the answer is lost, within the caller's timeout."""
    settings = {"type": fault, **({"seconds": 2} if fault == "latency" else {})}
    app = chaos({"fault": settings, "phase": "after"})
    error, seconds = app.timed(lambda: _get(f"{upstream.url}/slow?0.1", timeout=0.3))
    assert isinstance(error, (ConnectionResetError, socket.timeout))
    assert len(upstream.hits) == 1
    assert 0.1 <= seconds < 0.6
    assert injected_by(error)


@pytest.mark.parametrize(("phase", "hits"), [("before", 0), ("after", 1)])
def test_http_error_takes_the_ordinary_path(chaos, upstream, phase, hits):
    """urlopen raises its HTTPError with status, reason, headers and body."""
    app = chaos({"fault": {"type": "http_error", "status": 503, "body": '{"why": "down"}'}, "phase": phase})
    error, _ = app.timed(lambda: urllib.request.urlopen(f"{upstream.url}/ok", timeout=1))
    with error:
        assert type(error) is urllib.error.HTTPError
        assert (error.code, error.reason) == (503, "Service Unavailable")
        assert json.loads(error.read()) == {"why": "down"}
    assert len(upstream.hits) == hits
    assert app.records("call")[0]["status"] == 503


def test_an_injected_answer_keeps_the_connection_alive(chaos, upstream):
    """A kept-alive connection that has met an http_error before the call is used again afterwards."""
    app = chaos({"fault": {"type": "http_error"}, "match": {"path": ["/bad"]}})

    def view():
        connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=1)
        found = []
        for path in ("/ok", "/bad", "/ok"):
            connection.request("POST", path, body=b"x" * 10)
            response = connection.getresponse()
            response.read()
            found.append(response.status)
        connection.close()
        return found

    assert app.run(view) == [200, 503, 200]
    assert len(upstream.hits) == 2
    assert len({hit[2] for hit in upstream.hits}) == 1


@pytest.mark.parametrize("path", ["/ok", "/chunked"])
def test_truncated_body_is_incomplete_read(chaos, upstream, path):
    """A body that breaks off is `http.client.IncompleteRead`, marked as injected."""
    app = chaos({"fault": {"type": "truncated_body", "keep": 0.5}})
    error, _ = app.timed(lambda: urllib.request.urlopen(upstream.url + path, timeout=1).read())
    assert type(error) is http.client.IncompleteRead
    assert injected_by(error) == app.records("fault")[0]["id"]


@pytest.mark.parametrize(("phase", "hits"), [("before", 0), ("after", 1)])
def test_garbage_body_comes_with_a_200(chaos, upstream, phase, hits):
    """The status says success, and the body is another one."""
    app = chaos({"fault": {"type": "garbage_body", "body": "nonsense"}, "phase": phase})
    assert app.run(lambda: _get(f"{upstream.url}/ok", timeout=1)) == (200, b"nonsense")
    assert len(upstream.hits) == hits


def test_a_refused_connection_is_the_apps_own(chaos):
    """A real failure to connect is noted and not called injected."""
    app = chaos()
    error, _ = app.timed(lambda: _get("http://127.0.0.1:1/", timeout=1))
    assert type(error) is ConnectionRefusedError
    assert injected_by(error) is None
    (call,) = app.records("call")
    assert (call["status"], call["error"]) == (None, "ConnectionRefusedError")
