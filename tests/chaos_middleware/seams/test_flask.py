"""Faults in a Flask app: its own error handlers see an injected exception, however the app is wrapped."""

from __future__ import annotations

import functools

import flask
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

EXCEPTION = {"fault": {"type": "exception", "class": "LookupError"}}
AFTER = {**EXCEPTION, "phase": "after"}


@pytest.fixture
def app():
    """An app with a handler of its own and one in a blueprint; `app.seen` lists the views that ran."""
    app = flask.Flask("shop")
    app.seen = []
    app.logger.disabled = True
    bookings = flask.Blueprint("bookings", "bookings", url_prefix="/bookings")

    @app.get("/items/<int:number>")
    def item(number: int):
        app.seen.append(number)
        return {"item": number}

    @bookings.get("/")
    def all_bookings():
        return {}

    @app.get("/broken")
    def broken():
        raise ValueError("the app's own")

    @app.errorhandler(LookupError)
    def of_app(error):
        return {"handled by": "app"}, 503

    @bookings.errorhandler(LookupError)
    def of_blueprint(error):
        return {"handled by": "blueprint"}, 502

    app.register_blueprint(bookings)
    return app


def closure(app):
    """The app behind a function."""

    def inner(environ, start_response):
        return app(environ, start_response)

    return inner


WRAPPINGS = {
    "the app": lambda app: app,
    "its wsgi_app": lambda app: app.wsgi_app,
    "ProxyFix": lambda app: ProxyFix(app.wsgi_app),
    "DispatcherMiddleware": DispatcherMiddleware,
    "a closure": closure,
    "a partial": functools.partial,
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize(("path", "by"), [("/items/1", "app"), ("/bookings/", "blueprint")])
def test_the_apps_own_handlers_see_it(wrap, app, wrapping, path, by):
    """As if the view had raised, and without running it; the answer names the fault."""
    served = wrap(WRAPPINGS[wrapping](app), EXCEPTION)
    reply = served.get(path)
    assert reply.body == b'{"handled by":"%s"}\n' % by.encode()
    assert reply.headers["X-Chaos-Fault"] == "1.1.1:r0"
    assert app.seen == []
    assert served.records("end")[0]["measured"]["did"] == "LookupError"
    assert served.records("request")[0]["error"] is None


class Lazy:
    """As Django's and others' lazy objects: asked for anything, it makes what it stands for."""

    @property
    def __class__(self):
        raise RuntimeError("evaluated")


def test_lazy_objects_beside_the_app_are_left_alone(wrap, app):
    """The search for a Flask app within other middleware evaluates nothing."""

    class Outer:
        def __init__(self) -> None:
            self.app, self.settings = app, Lazy()

        def __call__(self, environ, start_response):
            return self.app(environ, start_response)

    assert wrap(Outer(), EXCEPTION).get("/items/1").body == b'{"handled by":"app"}\n'


@pytest.mark.parametrize("fault", [{"type": "exception", "class": "KeyError"}, {"type": "http_error"}])
def test_of_several_in_the_apps_place_it_is_the_first(wrap, app, fault):
    """An exception comes before what follows it in the file, although the framework raises it later than that acts."""
    served = wrap(app, {"fault": {"type": "exception", "class": "IndexError"}}, {"fault": fault})
    reply = served.get("/items/1")
    assert (reply.status[:3], reply.headers["X-Chaos-Fault"]) == ("503", "1.1.1:r0")
    assert reply.body == b'{"handled by":"app"}\n'
    assert [record["rule"] for record in served.records("fault")] == ["r0"]
    assert [(record["rule"], record["reason"]) for record in served.records("suppressed")] == [("r1", "preempted")]


def test_after_the_view_only_the_last_handler_sees_it(wrap, app):
    """The view ran; Flask's 500 answer goes out, once, and the exception is noted as having left the app."""
    served = wrap(app, AFTER)
    reply = served.get("/items/7")
    assert reply.status[:3] == "500"
    assert app.seen == [7]
    assert len(served.records("fault")) == 1
    assert served.records("request")[0]["error"]["class"] == "LookupError"


def test_an_error_of_the_apps_own_is_noted_with_its_frame(wrap, app):
    """The deepest frame of the app's source, for a request that met a fault."""
    from pathlib import Path

    served = wrap(app, {"fault": {"type": "noop"}}, app_dir=Path(__file__).parent)
    served.get("/broken")
    (record,) = served.records("request")
    assert (record["error"], record["status"]) == ({"class": "ValueError", "text": "the app's own"}, 500)
    assert record["frame"]["file"] == __file__
    assert record["frame"]["function"].endswith("broken")


def test_the_route_is_the_template(wrap, app):
    """Flask tells it, with the prefix where the app is mounted; a path that matches nothing stays a path."""
    noop = {"fault": {"type": "noop"}}
    mounted = DispatcherMiddleware(flask.Flask("front"), {"/shop": app})
    for wsgi, path, route in (
        (app, "/items/3", "GET /items/<int:number>"),
        (mounted, "/shop/items/3", "GET /shop/items/<int:number>"),
        (app, "/nowhere", "GET /nowhere"),
    ):
        served = wrap(wsgi, noop)
        served.get(path)
        assert served.records("request")[0]["route"] == route


def test_a_mounted_app_that_is_not_flask(wrap, app):
    """No signal comes from it, so the exception is raised at the edge."""

    def other(environ, start_response):
        start_response("200 OK", [])
        return [b"other"]

    served = wrap(DispatcherMiddleware(app, {"/other": other}), EXCEPTION)
    with pytest.raises(LookupError):
        served.get("/other/x")
    assert served.records("end")[0]["measured"]["did"] == "LookupError"


def test_without_signals_it_is_raised_at_the_edge(wrap, app, monkeypatch):
    """An old Flask without blinker: connecting a receiver raises RuntimeError."""

    class Unavailable:
        def connect(self, receiver):
            raise RuntimeError("Signalling support is unavailable because the blinker library is not installed.")

    monkeypatch.setattr(flask, "request_started", Unavailable())
    with pytest.raises(LookupError):
        wrap(app, EXCEPTION).get("/items/1")


def test_two_middlewares_keep_their_requests_apart(wrap, app):
    """Two apps in one process, each wrapped with rules of its own: each meets only its own."""
    other = flask.Flask("other")
    other.get("/")(lambda: "fine")
    first, second = wrap(app, EXCEPTION), wrap(other, {"fault": {"type": "noop"}})
    assert second.get("/").body == b"fine"
    assert first.get("/items/1").status[:3] == "503"
    assert [len(each.records("fault")) for each in (first, second)] == [1, 1]


def test_uninstall_takes_the_receivers_away(wrap, app):
    """Flask's signals have the receivers that they had before."""
    signals = (flask.request_started, flask.request_finished, flask.got_request_exception)
    before = [len(signal.receivers) for signal in signals]
    served = wrap(app, EXCEPTION)
    assert [len(signal.receivers) for signal in signals] == [count + 1 for count in before]
    served.middleware.uninstall()
    assert [len(signal.receivers) for signal in signals] == before
    assert served.get("/items/1").status == "200 OK"


def test_streaming_with_context(wrap, app):
    """A streamed view under faults on its body and an outbound delay keeps its chunks and Flask's own closing."""

    @app.get("/stream")
    def stream():
        return flask.Response(flask.stream_with_context(str(n) + flask.request.path for n in range(3)))

    served = wrap(app, {"fault": {"type": "slow_body", "bytes_per_second": 1e6}})
    assert served.get("/stream").body == b"0/stream1/stream2/stream"
