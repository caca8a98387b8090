"""Faults at the edge against WSGI apps of every shape, with werkzeug's LintMiddleware on both sides as the judge."""

from __future__ import annotations

import warnings

import pytest
from werkzeug.middleware.lint import LintMiddleware
from werkzeug.test import EnvironBuilder
from werkzeug.wsgi import FileWrapper

LATENCY = {"fault": {"type": "latency", "seconds": 0.02}}
ERROR = {"fault": {"type": "http_error"}}
EXCEPTION = {"fault": {"type": "exception", "class": "LookupError"}}
SLOW = {"fault": {"type": "slow_body", "bytes_per_second": 1000}}
NOOP = {"fault": {"type": "noop"}}
AFTER = {"phase": "after"}
BODY = b"0123456789" * 3
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]


class App:
    """A WSGI app of some shape that counts its calls and its closes."""

    def __init__(self, shape):
        self._shape = shape
        self.calls = self.closed = 0

    def __call__(self, environ, start_response):
        self.calls += 1
        body = self._shape(environ, start_response)
        return Closing(body, self)


class Closing:
    """A body that tells when it is closed."""

    def __init__(self, body, app):
        self._body, self._app = body, app

    def __iter__(self):
        return iter(self._body)

    def close(self):
        self._app.closed += 1


def a_list(environ, start_response):
    """The plainest."""
    start_response("200 OK", HEADERS[:])
    return [BODY[:10], BODY[10:]]


def a_generator(environ, start_response):
    """Nothing of it runs before the body is asked for."""
    start_response("200 OK", HEADERS[:])
    yield BODY[:10]
    yield b""
    yield BODY[10:]


def a_late_starter(environ, start_response):
    """Starts the response in its body."""

    def body():
        start_response("200 OK", HEADERS[:])
        yield BODY

    return body()


def a_changer(environ, start_response):
    """Finds out before the first byte that it must answer something else."""
    start_response("500 Oh", [("Content-Type", "text/plain")])
    try:
        {}["no such key"]
    except KeyError as error:
        start_response("200 OK", HEADERS[:], (type(error), error, error.__traceback__))
    return [BODY]


SHAPES = [a_list, a_generator, a_late_starter, a_changer]
RULES = [LATENCY, {**LATENCY, **AFTER}, ERROR, {**ERROR, **AFTER}, SLOW, NOOP, {**NOOP, **AFTER}]


@pytest.fixture
def ask(wrap):
    """One request to any WSGI app."""
    return wrap.ask


@pytest.fixture(autouse=True)
def _strict():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule['fault']['type']}-{rule.get('phase', 'before')}")
def test_every_fault_keeps_to_the_protocol(wrap, ask, shape, rule):
    """Server and app both see a well-behaved other side; body and length are whole, the body is closed once."""
    app = App(shape)
    is_error = rule["fault"]["type"] == "http_error"  # then the app's body is dropped, as when a client has left
    served = wrap(app if is_error else LintMiddleware(app), rule)
    for each in (served.get(), ask(LintMiddleware(served.middleware))):
        if is_error:
            assert each.status == "503 Service Unavailable"
            assert each.headers["Content-Length"] == str(len(each.body))
        else:
            assert (each.status, each.body, each.headers["Content-Length"]) == ("200 OK", BODY, "30")
        assert each.headers["X-Chaos-Fault"] == "1.1.1:r0"
    assert app.calls == app.closed
    assert len(served.records("end")) == 2


@pytest.mark.parametrize(("phase", "calls"), [("before", 0), ("after", 1)])
def test_an_error_before_or_after_the_app(wrap, phase, calls):
    """Before: the app was never called. After: it ran and was closed, and its answer is lost."""
    app = App(a_list)
    reply = wrap(app, {**ERROR, "phase": phase}).get()
    assert reply.status.startswith("503")
    assert (app.calls, app.closed) == (calls, calls)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize(("phase", "calls"), [("before", 0), ("after", 1)])
def test_an_exception_leaves_the_app_without_a_framework(wrap, shape, phase, calls):
    """It reaches the server in its own class, marked, and the app's body is closed."""
    app = App(shape)
    served = wrap(app, {**EXCEPTION, "phase": phase})
    with pytest.raises(LookupError, match="injected by chaos-test") as error:
        served.get()
    assert error.value.chaos_fault == "1.1.1:r0"
    assert (app.calls, app.closed) == (calls, calls)
    assert served.records("request")[0]["error"]["class"] == "LookupError"


def test_what_the_app_raised_survives_a_delay_after_it(wrap):
    """A fault after the app acts whatever the app did, and does not swallow its error."""

    def app(environ, start_response):
        raise KeyError("the app's own")

    served = wrap(app, {**LATENCY, **AFTER})
    with pytest.raises(KeyError, match="the app's own"):
        served.get()
    assert served.records("end")[0]["measured"]["seconds"] >= 0.02


def test_streaming_stays_lazy(wrap):
    """A slow body takes the app's chunks one by one, as the client gets them."""
    taken = []

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        for n in range(3):
            taken.append(n)
            yield b"x"

    served = wrap(app, {"fault": {"type": "slow_body", "bytes_per_second": 1e6}})
    environ = EnvironBuilder(headers={"X-Chaos-Key": "1.1.1"}).get_environ()
    body = served.middleware({**environ, "REMOTE_ADDR": "127.0.0.1"}, lambda *_: None)
    chunks = iter(body)
    assert next(chunks) == b"x"
    assert taken == [0]
    assert not served.records("end")
    body.close()
    assert served.records("end")


def test_a_body_that_raises_is_closed(wrap):
    """The app's `close()` is called when its own body or our fault raises in the middle, and the error is noted."""

    def broken(environ, start_response):
        start_response("200 OK", HEADERS[:])
        yield BODY[:10]
        raise OSError("disk")

    app = App(broken)
    served = wrap(app, SLOW)
    with pytest.raises(OSError, match="disk"):
        served.get()
    assert app.closed == 1
    assert served.records("request")[0]["error"] == {"class": "OSError", "text": "disk"}
    assert served.records("end")[0]["measured"]["did"] == "OSError"


@pytest.mark.parametrize("rule", [SLOW, {"fault": {"type": "noop"}, "phase": "after"}])
def test_a_body_that_raises_at_once_is_closed(wrap, rule):
    """Also where nothing of it has reached the server, which has no body to close yet."""

    def broken(environ, start_response):
        raise OSError("disk")
        yield b""

    app = App(broken)
    served = wrap(app, rule)
    with pytest.raises(OSError, match="disk"):
        served.get()
    assert app.closed == 1


def test_what_is_sent_by_write_is_part_of_the_body(wrap):
    """The old `write()` callable: its bytes come first and are slowed with the rest."""

    def app(environ, start_response):
        write = start_response("200 OK", HEADERS[:])
        write(BODY[:10])
        return [BODY[10:]]

    for rule in (SLOW, {**LATENCY, **AFTER}, NOOP):
        assert wrap(app, rule).get().body == BODY


@pytest.mark.parametrize("rule", [SLOW, {"fault": {"type": "slow_body", "bytes_per_second": 1}}], ids=["fast", "slow"])
@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Not Modified")]
)
def test_answers_without_a_body(wrap, method, status, rule):
    """HEAD, 204 and 304 have no body to slow down or break off; nothing is added."""

    def app(environ, start_response):
        start_response(status, [("Content-Length", "0")] if status[0] == "2" and method == "GET" else [])
        return []

    reply = wrap(LintMiddleware(app), rule).get(method=method)
    assert (reply.status, reply.body) == (status, b"")


def test_an_error_for_head_has_no_body(wrap):
    """The status alone."""
    served = wrap(App(a_list), ERROR)
    assert (served.get(method="HEAD").status, served.get(method="HEAD").body) == ("503 Service Unavailable", b"")


def test_a_file_for_the_server_stays_one(wrap, tmp_path):
    """A fault that does not touch the body leaves `wsgi.file_wrapper` to the server."""
    (tmp_path / "f").write_bytes(BODY)
    returned = []

    def app(environ, start_response):
        start_response("200 OK", HEADERS[:])
        returned.append(environ["wsgi.file_wrapper"]((tmp_path / "f").open("rb")))
        return returned[-1]

    served = wrap(app, LATENCY)
    reply = served.get(environ={"wsgi.file_wrapper": FileWrapper})
    assert reply.body == BODY
    slow = wrap(app, SLOW).get(environ={"wsgi.file_wrapper": FileWrapper})
    assert slow.body == BODY
    assert all(wrapper.file.closed for wrapper in returned)


def test_a_slow_body_keeps_its_pace_and_its_limit(wrap):
    """30 bytes at 100 a second take 0.2 s after the first slice; `max_seconds` ends it sooner."""
    for settings, low, high in (({}, 0.19, 0.29), ({"max_seconds": 0.05}, 0.04, 0.14)):
        served = wrap(App(a_list), {"fault": {"type": "slow_body", "bytes_per_second": 100, **settings}})
        reply = served.get()
        assert reply.body == BODY
        assert low < served.records("end")[0]["measured"]["seconds"] < high


def test_a_kill_lets_a_slow_body_go(wrap):
    """The kill switch in mid-body: the rest comes at once."""
    served = wrap(App(a_generator), {"fault": {"type": "slow_body", "bytes_per_second": 1, "max_seconds": 100}})
    served.control.sleep = lambda seconds, **_: (served.control.stop(), 0.0)[1]
    assert served.get().body == BODY


def test_a_server_without_a_socket_refuses_a_reset(wrap):
    """The request is served normally, and a note and the event say why nothing was broken off."""
    for kind in ("connection_reset", "truncated_body"):
        served = wrap(App(a_list), {"fault": {"type": kind}})
        reply = served.get(environ={"SERVER_SOFTWARE": "waitress"})
        assert (reply.status, reply.body) == ("200 OK", BODY)
        assert served.records("end")[0]["measured"]["did"] == "unsupported"
        assert "rule r0: waitress does not let the app at its connection" in served.records("note")[0]["text"]


def test_several_faults_at_one_request(wrap):
    """Delays and body faults act beside a failure; of two that take the app's place the second is preempted."""
    app = App(a_list)
    served = wrap(app, ERROR, LATENCY, SLOW, EXCEPTION, {**LATENCY, **AFTER})
    reply = served.get()
    assert reply.status.startswith("503")
    assert app.calls == 0
    assert reply.headers["X-Chaos-Fault"] == "1.1.1:r1,1.1.1:r2,1.1.1:r0,1.1.1:r4"
    assert [(each["rule"], each["reason"]) for each in served.records("suppressed")] == [("r3", "preempted")]
    assert len(served.records("end")) == 4
