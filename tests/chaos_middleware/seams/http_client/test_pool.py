"""urllib3's pools, under `requests` and bare, against a real server; bodies are in test_pool_bodies.py."""

from __future__ import annotations

import contextlib
import errno
import inspect
import threading
import time

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util import Retry, Timeout

from chaos_middleware import ExperimentError, injected_by

BODY = b'{"fares": ' + str(list(range(40))).encode() + b"}"
LATENCY = {"type": "latency", "seconds": 0.2}


def _retrying(**kwargs):
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Retry(**kwargs)))
    return session


def test_a_call_without_a_fault_is_noted_with_its_site(chaos, upstream):
    """The note has identity, status, times, the caller's timeouts and the app's own line."""
    app = chaos({"rate": 0, "fault": {"type": "noop"}})

    def view():
        return requests.get(f"{upstream.url}/ok?a=1", timeout=(1, 2)).status_code

    assert app.run(view) == 200
    (call,) = app.records("call")
    line = inspect.getsourcelines(view)[1] + 1
    assert call["site"]["file"] == __file__
    assert call["site"]["line"] == line
    assert call["site"]["function"].endswith("view")
    assert call["target"] == "GET 127.0.0.1/ok?a=1"
    assert (call["status"], call["error"], call["timeout"], call["faults"]) == (200, None, [1, 2], [])
    assert 0 < call["seconds"] < 1
    assert app.reached() == [["1.0.0", "chaos", "1", "GET 127.0.0.1/ok?a=1", "0"]]


@pytest.mark.parametrize("named", ["Idempotency-Key", "x-idempotency-key"])
def test_calls_with_one_idempotency_key_are_known_by_it(chaos, upstream, named):
    """By a hash, which is the same for the same key; a call without one has none."""
    app = chaos({"rate": 0, "fault": {"type": "noop"}})
    for headers in ({named: "a"}, {named: "a"}, {named: "b"}, {}):
        app.run(lambda headers=headers: requests.post(f"{upstream.url}/ok", headers=headers, timeout=1))
    first, second, other, none = (call.get("idempotency_key") for call in app.records("call"))
    assert first == second != other
    assert none is None
    assert len(first) == 8


def test_each_call_of_one_address_has_its_own_site(chaos, upstream):
    """From several lines and functions, by turns, each is found at its own, deeper or not."""
    app = chaos()

    def one():
        requests.get(f"{upstream.url}/ok", timeout=1)
        requests.get(f"{upstream.url}/ok", timeout=1)

    def other():
        with requests.Session() as session:
            session.get(f"{upstream.url}/ok", timeout=1)

    def deeper():
        one()

    def view():
        for function in (one, other, deeper):
            function()

    app.run(view)
    first, second = (inspect.getsourcelines(function)[1] for function in (one, other))
    found = [(call["site"]["function"].rpartition(".")[2], call["site"]["line"]) for call in app.records("call")]
    both = [("one", first + 1), ("one", first + 2)]
    assert found == [*both, ("other", second + 2), *both]


def test_traffic_without_a_key_is_left_alone(chaos, upstream):
    """A request without a key meets no fault, and its calls are not noted."""
    app = chaos({"fault": {"type": "connection_reset"}})
    assert app.run(lambda: requests.get(f"{upstream.url}/ok", timeout=1).status_code, key=None) == 200
    assert app.records("call") == app.reached() == []


def test_repeated_calls_are_counted(chaos, upstream):
    """The occurrence counts how often this same call came before in the request, where a rule is for it."""
    app = chaos({"rate": 0, "match": {"path": ["/ok", "/slow"]}, "fault": {"type": "noop"}})

    def view():
        for path in ("/ok", "/ok", "/slow?0", "/else"):
            requests.get(upstream.url + path, timeout=1)

    app.run(view)
    assert [(c["target"].split("/", 1)[1], c["occurrence"]) for c in app.records("call")] == [
        ("ok", 0),
        ("ok", 1),
        ("slow?0", 0),
        ("else", None),
    ]


def test_a_delay_within_the_timeout_holds_the_call_up(chaos, upstream):
    """The call takes the delay longer and then succeeds; its note counts the delay in."""
    app = chaos({"fault": LATENCY})
    assert app.run(lambda: requests.get(f"{upstream.url}/ok", timeout=1).status_code) == 200
    (call,), (end,) = app.records("call"), app.records("end")
    assert 0.2 <= call["seconds"] < 0.7
    assert 0.2 <= end["measured"]["seconds"] < 0.7


def test_a_delay_beyond_the_timeout_ends_with_it(chaos, upstream):
    """A delay of 2 s on a call with a timeout of 0.3 s is the library's timeout error at 0.3 s; nothing is sent."""
    app = chaos({"fault": {"type": "latency", "seconds": 2}})
    error, seconds = app.timed(lambda: requests.get(f"{upstream.url}/ok", timeout=0.3))
    assert type(error) is requests.exceptions.ReadTimeout
    assert str(error).endswith("Read timed out. (read timeout=0.3)")
    assert 0.3 <= seconds < 0.8
    assert upstream.hits == []
    (fault,) = app.records("fault")
    assert injected_by(error) == fault["id"]


def test_what_is_left_of_the_timeout_bounds_the_real_call(chaos, upstream):
    """With 0.2 s of delay, a server that takes 0.3 s runs into a timeout of 0.4 s, named as the caller asked it."""
    app = chaos({"fault": LATENCY})
    error, seconds = app.timed(lambda: requests.get(f"{upstream.url}/slow?0.3", timeout=0.4))
    assert type(error) is requests.exceptions.ReadTimeout
    assert "read timeout=0.4)" in str(error)
    assert 0.4 <= seconds < 0.9
    assert injected_by(error) == app.records("fault")[0]["id"]


def test_a_bound_on_connect_and_read_together_is_honoured(chaos, upstream):
    """`Timeout(total=0.3)` bounds a delay of 2 s as a read timeout does."""
    app = chaos({"fault": {"type": "latency", "seconds": 2}})
    pool = urllib3.PoolManager(retries=False)
    error, seconds = app.timed(lambda: pool.request("GET", f"{upstream.url}/ok", timeout=Timeout(total=0.3)))
    assert type(error) is urllib3.exceptions.ReadTimeoutError
    assert 0.3 <= seconds < 0.8


def test_the_body_has_the_callers_whole_timeout_after_a_delay(chaos, upstream):
    """The shortened timeout ends with the wait for the answer."""
    app = chaos({"fault": LATENCY})

    def view():
        with requests.get(f"{upstream.url}/chunked", timeout=5, stream=True) as response:
            return response.raw.connection.sock.gettimeout()

    assert app.run(view) == 5


def test_connect_timeout_waits_the_callers_own(chaos, upstream):
    """The connect timeout of (0.2, 5) is waited out, then the library's error comes; the server sees nothing."""
    app = chaos({"fault": {"type": "connect_timeout"}})
    error, seconds = app.timed(lambda: requests.get(f"{upstream.url}/ok", timeout=(0.2, 5)))
    assert type(error) is requests.exceptions.ConnectTimeout
    assert 0.2 <= seconds < 0.7
    assert injected_by(error)
    assert upstream.hits == []


def test_connect_timeout_gives_up_where_the_caller_never_would(chaos, upstream):
    """Without a timeout the wait ends after `give_up`."""
    app = chaos({"fault": {"type": "connect_timeout", "give_up": 0.1}})
    error, seconds = app.timed(lambda: requests.get(f"{upstream.url}/ok"))
    assert type(error) is requests.exceptions.ConnectTimeout
    assert 0.1 <= seconds < 0.6


def test_read_timeout_waits_the_callers_own(chaos, upstream):
    """The read timeout is waited out, then the library's error comes."""
    app = chaos({"fault": {"type": "read_timeout"}})
    error, seconds = app.timed(lambda: requests.get(f"{upstream.url}/ok", timeout=(5, 0.2)))
    assert type(error) is requests.exceptions.ReadTimeout
    assert 0.2 <= seconds < 0.7
    (call,) = app.records("call")
    assert (call["status"], call["error"], call["timeout"]) == (None, "ReadTimeoutError", [5, 0.2])
    assert call["faults"] == [app.records("fault")[0]["id"]]


def test_read_timeout_ends_as_a_reset_where_the_caller_never_gives_up(chaos, upstream):
    """Without a timeout the peer resets the connection after `give_up`."""
    app = chaos({"fault": {"type": "read_timeout", "give_up": 0.1}})
    error, seconds = app.timed(lambda: requests.get(f"{upstream.url}/ok"))
    assert type(error) is requests.exceptions.ConnectionError
    assert "ConnectionResetError(104" in str(error)
    assert 0.1 <= seconds < 0.6


def test_connection_reset_is_the_librarys_error_with_its_errno(chaos, upstream):
    """`requests` raises its ConnectionError over urllib3's ProtocolError over ECONNRESET, marked as injected."""
    app = chaos({"fault": {"type": "connection_reset"}})
    error, _ = app.timed(lambda: requests.get(f"{upstream.url}/ok", timeout=1))
    assert type(error) is requests.exceptions.ConnectionError
    reason = error.args[0]
    assert type(reason) is urllib3.exceptions.ProtocolError
    assert reason.args[0] == "Connection aborted."
    assert reason.args[1].errno == errno.ECONNRESET
    assert injected_by(error) == app.records("fault")[0]["id"]
    assert upstream.hits == []


def test_connection_refused_is_the_librarys_error_with_its_errno(chaos, upstream):
    """`requests` raises its ConnectionError as where nobody listens, at once, over ECONNREFUSED."""
    app = chaos({"fault": {"type": "connection_refused"}})
    real, _ = app.timed(lambda: requests.get("http://127.0.0.1:1/ok", timeout=1), key=None)
    error, seconds = app.timed(lambda: requests.get(f"{upstream.url}/ok", timeout=1))
    assert type(error) is type(real) is requests.exceptions.ConnectionError
    assert str(error) == str(real).replace("port=1)", f"port={upstream.port})")
    reason = error.args[0].reason
    assert type(reason) is type(real.args[0].reason) is urllib3.exceptions.NewConnectionError
    assert reason.__cause__.errno == real.args[0].reason.__cause__.errno == errno.ECONNREFUSED
    assert seconds < 0.5
    assert injected_by(error) == app.records("fault")[0]["id"]
    assert upstream.hits == []


def test_a_refused_connection_is_tried_again_as_one_that_failed_to_connect(chaos, upstream):
    """`Retry(connect=2)` counts it, and `read` does not."""
    app = chaos({"fault": {"type": "connection_refused"}, "gate": {"first": 2}})
    session = _retrying(total=None, connect=2, read=0)
    assert app.run(lambda: session.get(f"{upstream.url}/ok", timeout=1)).status_code == 200
    assert [call["error"] for call in app.records("call")] == ["NewConnectionError", "NewConnectionError", None]


@pytest.mark.parametrize("fault", ["connection_reset", "read_timeout"])
def test_after_means_that_the_server_has_done_it(chaos, upstream, fault):
    """In phase `after` the server sees the request, and only the answer is lost, within the caller's timeout."""
    app = chaos({"fault": {"type": fault}, "phase": "after"})
    error, seconds = app.timed(lambda: requests.post(f"{upstream.url}/ok", data=b"x", timeout=0.3))
    assert isinstance(error, (requests.exceptions.ConnectionError, requests.exceptions.ReadTimeout))
    assert [hit[0] for hit in upstream.hits] == ["POST"]
    assert seconds < 0.8
    assert injected_by(error)


def test_a_delay_after_the_call_ends_with_what_is_left_of_the_timeout(chaos, upstream):
    """A server that took 0.2 s leaves 0.2 s of a timeout of 0.4 s to a delay of 2 s."""
    app = chaos({"fault": {"type": "latency", "seconds": 2}, "phase": "after"})
    error, seconds = app.timed(lambda: requests.get(f"{upstream.url}/slow?0.2", timeout=0.4))
    assert type(error) is requests.exceptions.ReadTimeout
    assert 0.4 <= seconds < 0.9
    assert len(upstream.hits) == 1


@pytest.mark.parametrize(("phase", "hits"), [("before", 0), ("after", 1)])
def test_http_error_is_a_real_response(chaos, upstream, phase, hits):
    """The library hands out the status, reason, headers and body as if a server had sent them."""
    app = chaos({"fault": {"type": "http_error", "status": 503, "body": '{"why": "down"}'}, "phase": phase})
    response = app.run(lambda: requests.get(f"{upstream.url}/ok", timeout=1))
    assert (response.status_code, response.reason) == (503, "Service Unavailable")
    assert response.json() == {"why": "down"}
    assert response.headers["Content-Type"] == "application/json"
    assert len(upstream.hits) == hits
    (call,) = app.records("call")
    assert (call["status"], call["error"]) == (503, None)
    assert app.records("end")[0]["measured"]["did"] == "503"


def test_http_error_has_no_body_for_head(chaos, upstream):
    """A HEAD request gets the status and no body, also where the library reads the body by itself."""
    app = chaos({"fault": {"type": "http_error", "status": 500}})
    response = app.run(lambda: urllib3.PoolManager().request("HEAD", f"{upstream.url}/ok", timeout=1.0))
    assert (response.status, response.data) == (500, b"")


def test_a_retry_of_a_transient_fault_draws_anew(chaos, upstream):
    """Under persistence `attempt` each repetition is a call of its own with the next occurrence."""
    app = chaos({"fault": {"type": "http_error"}, "gate": {"first": 2}})
    response = app.run(lambda: _retrying(total=3, status_forcelist=[503]).get(f"{upstream.url}/ok", timeout=1))
    assert response.status_code == 200
    assert [(c["occurrence"], c["status"]) for c in app.records("call")] == [(0, 503), (1, 503), (2, 200)]
    assert [fault["id"].rpartition(".")[2] for fault in app.records("fault")] == ["0", "1"]


def test_an_outage_outlasts_the_retries(chaos, upstream):
    """Under persistence `request` every repetition fails alike, and the retries are used up."""
    app = chaos({"fault": {"type": "connection_reset"}, "persistence": "request", "rate": 0.5})
    keys = [f"1.{n}.0" for n in range(12)]

    def view():
        try:
            return _retrying(total=2, backoff_factor=0).get(f"{upstream.url}/ok", timeout=1).status_code
        except requests.exceptions.ConnectionError as error:
            return injected_by(error)

    fates = [(key, app.run(view, key)) for key in keys]
    faults = app.records("fault")
    for key, fate in fates:
        assert [f["occurrence"] for f in faults if f["key"] == key] == ([] if fate == 200 else [0, 1, 2])
        assert fate == 200 or fate.startswith(f"{key}:r0:")
    assert len({fate == 200 for _, fate in fates}) == 2


def test_redirects_are_calls_of_their_own(chaos, upstream):
    """Each hop is drawn for and noted under its own identity."""
    app = chaos({"fault": {"type": "http_error"}, "match": {"path": ["/ok"]}})
    assert app.run(lambda: requests.get(f"{upstream.url}/redirect", timeout=1)).status_code == 503
    assert [c["target"] for c in app.records("call")] == ["GET 127.0.0.1/redirect", "GET 127.0.0.1/ok"]


def test_an_injected_answer_keeps_the_connection_alive(chaos, upstream):
    """A kept-alive connection that has met an http_error before the call is used again afterwards."""
    app = chaos({"fault": {"type": "http_error"}, "match": {"path": ["/bad"]}})

    def view():
        with requests.Session() as session:
            return [session.get(upstream.url + path, timeout=1).status_code for path in ("/ok", "/bad", "/ok")]

    assert app.run(view) == [200, 503, 200]
    assert [hit[1] for hit in upstream.hits] == ["/ok", "/ok"]
    assert len({hit[2] for hit in upstream.hits}) == 1


@pytest.mark.parametrize("fault", ["connection_reset", "truncated_body", "read_timeout"])
def test_a_broken_connection_is_not_used_again(chaos, upstream, fault):
    """After a fault that breaks it, the next call of the session has a new connection, and its own answer."""
    app = chaos({"fault": {"type": fault}, "match": {"path": ["/slow"]}, "phase": "after"})

    def view():
        with requests.Session() as session:
            first = session.get(f"{upstream.url}/ok", timeout=0.2)
            with contextlib.suppress(requests.exceptions.RequestException):
                session.get(f"{upstream.url}/slow?0", timeout=0.2)
            last = session.get(f"{upstream.url}/ok", timeout=0.2)
            return first.content == last.content

    assert app.run(view) is True
    assert upstream.hits[0][2] == upstream.hits[1][2] != upstream.hits[2][2]


def test_a_fault_that_ends_the_call_preempts_the_others(chaos, upstream):
    """Of two faults at one call the second finds no call any more, and is recorded as preempted."""
    app = chaos({"fault": {"type": "http_error"}}, {"fault": {"type": "connection_reset"}})
    assert app.run(lambda: requests.get(f"{upstream.url}/ok", timeout=1)).status_code == 503
    assert [f["rule"] for f in app.records("fault")] == ["r0"]
    assert [(s["rule"], s["reason"]) for s in app.records("suppressed")] == [("r1", "preempted")]


def test_a_delay_and_an_outage_add_up(chaos, upstream):
    """A delay comes before the failure of the next rule."""
    app = chaos({"fault": LATENCY}, {"fault": {"type": "connection_reset"}})
    error, seconds = app.timed(lambda: requests.get(f"{upstream.url}/ok", timeout=1))
    assert type(error) is requests.exceptions.ConnectionError
    assert 0.2 <= seconds < 0.7
    assert [f["rule"] for f in app.records("fault")] == ["r0", "r1"]


def test_a_truncation_that_may_not_act_leaves_the_answer_whole(chaos, upstream):
    """When the kill switch is on, the rule fires, is recorded as suppressed, and the app gets its answer."""
    app = chaos({"fault": {"type": "truncated_body"}})
    app.middleware.injector.control.kill()
    paths = ("/ok", "/gzip", "/chunked", "/old", "/empty")
    bodies = app.run(lambda: [requests.get(upstream.url + path, timeout=1).content for path in paths])
    assert [len(body) for body in bodies] == [len(BODY)] * 4 + [0]
    assert {s["reason"] for s in app.records("suppressed")} == {"killed"}


def test_the_faults_know_their_site_and_route(chaos, upstream):
    """The ledger's fault names the app's line, the call and the route that it was for."""
    app = chaos({"fault": {"type": "noop"}})
    app.run(lambda: requests.get(f"{upstream.url}/ok", timeout=1))
    (fault,) = app.records("fault")
    assert fault["site"]["file"] == __file__
    assert fault["target"] == "GET 127.0.0.1/ok"
    assert (fault["route"], fault["phase"], fault["seam"]) == ("GET /page", "before", "http_client")


def test_a_real_failure_is_noted_and_not_called_injected(chaos, upstream):
    """A refused connection of the app's own has its class in the note, no fault, and no mark."""
    app = chaos()
    error, _ = app.timed(lambda: requests.get("http://127.0.0.1:1/", timeout=1))
    assert injected_by(error) is None
    (call,) = app.records("call")
    assert (call["status"], call["error"], call["faults"]) == (None, "NewConnectionError", [])


def test_calls_of_an_unsampled_request_are_written_when_it_meets_a_fault(chaos, upstream):
    """Outside the sampled share, calls are kept back and written with the first fault."""
    app = chaos({"fault": {"type": "noop"}, "match": {"path": ["/slow"]}}, share=0)

    def view():
        requests.get(f"{upstream.url}/ok", timeout=1)
        requests.get(f"{upstream.url}/slow?0", timeout=1)

    app.run(view)
    app.run(lambda: requests.get(f"{upstream.url}/ok", timeout=1), key="2.0.0")
    calls = app.records("call")
    assert sorted((c["key"], c["target"]) for c in calls) == [
        ("1.0.0", "GET 127.0.0.1/ok"),
        ("1.0.0", "GET 127.0.0.1/slow?0"),
    ]


@pytest.mark.parametrize("fault", ["connect_timeout", "connection_refused"])
def test_no_connection_after_the_call_is_refused(chaos, fault):
    """A call that was made had its connection, so the experiment is not accepted."""
    with pytest.raises(ExperimentError, match=r"rules\[0\].phase.*a call that was made had its connection"):
        chaos({"fault": {"type": fault}, "phase": "after"})


def test_the_kill_switch_wakes_a_delayed_call(chaos, upstream):
    """A call that sleeps goes on with the real thing when faults are stopped, also one on its way to a timeout."""
    app = chaos({"fault": {"type": "latency", "seconds": 60}})
    stop = threading.Timer(0.2, app.middleware.injector.control.kill)
    stop.start()
    started = time.monotonic()
    assert app.run(lambda: requests.get(f"{upstream.url}/ok", timeout=20).status_code) == 200
    assert time.monotonic() - started < 5
    stop.join()


def test_the_threads_of_a_request_lose_no_note_and_share_the_count(chaos, upstream):
    """Calls of eight threads are all noted, each with an occurrence of its own."""
    app = chaos({"fault": {"type": "noop"}})

    def view():
        threads = [threading.Thread(target=lambda: requests.get(f"{upstream.url}/ok", timeout=5)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    app.run(view)
    assert sorted(call["occurrence"] for call in app.records("call")) == list(range(8))
    (answer,) = app.records("request")
    assert sorted(answer["faults"]) == sorted(fault["id"] for fault in app.records("fault"))
    assert len(answer["faults"]) == 8


def test_a_thread_that_outlives_its_request_keeps_its_key(chaos, upstream):
    """What it calls later is drawn for, met by faults and noted under the key."""
    app = chaos({"fault": {"type": "http_error"}})
    go = threading.Event()
    seen = []

    def later():
        go.wait(5)
        seen.append(requests.get(f"{upstream.url}/ok", timeout=1).status_code)

    def view():
        thread = threading.Thread(target=later)
        thread.start()
        return thread

    thread = app.run(view, key="4.0.0")
    go.set()
    thread.join()
    assert seen == [503]
    assert [call["key"] for call in app.records("call")] == ["4.0.0"]
