"""Which requests are opened to the rules, and what the edge tells about them."""

from __future__ import annotations

import os

import pytest

from chaos_middleware import ChaosMiddleware
from chaos_middleware.request import current

NOOP = {"fault": {"type": "noop"}}
ERROR = {"fault": {"type": "http_error"}}


def app(environ, start_response):
    """Says which key it was called under."""
    request = current.get()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(request and request.key).encode()]


def test_a_keyed_request_is_the_current_one_while_the_app_runs(wrap):
    """And no longer: the next user of the thread must not inherit it."""
    assert wrap(app, NOOP).get(key="3.7.book").body == b"3.7.book"
    assert current.get() is None


def test_a_request_without_a_key_is_left_alone(wrap):
    """Not drawn for, not noted."""
    served = wrap(app, ERROR)
    assert served.get(key=None).body == b"None"
    assert served.reached() == []


@pytest.mark.parametrize("key", ["1.1", "1.1.1.1", "a b.1.1", "1..1", "1.1.1\n", "é.1.1", "x" * 117 + ".1.1"])
def test_an_invalid_key_is_no_key(wrap, key):
    """A key goes into the ledger's lines: what could break them is refused."""
    environ = {"HTTP_X_CHAOS_KEY": key}
    assert wrap(app, ERROR).get(key=None, environ=environ).body == b"None"


def test_scope_all_draws_for_everyone(wrap):
    """A request without a key gets one of its own."""
    served = wrap(app, ERROR, scope="all")
    assert [served.get(key=None).status[:3] for _ in range(2)] == ["503", "503"]
    assert [line[0] for line in served.reached()] == [f"anon.{os.getpid()}.{n}" for n in range(2)]


@pytest.mark.parametrize(
    ("address", "status"),
    [("127.0.0.1", "503"), ("127.9.9.9", "503"), ("::1", "503"), ("::ffff:127.0.0.1", "503"), ("", "503"),
     ("10.0.0.7", "200"), ("::ffff:10.0.0.7", "200"), ("1270.0.0.1", "200")],
)  # fmt: skip
def test_only_clients_of_this_machine_meet_faults(wrap, address, status):
    """A remote client that sends a key is served as ever, unless the experiment allows it."""
    served = wrap(app, ERROR)
    assert served.get(environ={"REMOTE_ADDR": address}).status[:3] == status
    allowed = wrap(app, ERROR, safety={"allow_remote": True})
    assert allowed.get(environ={"REMOTE_ADDR": address}).status[:3] == "503"


@pytest.mark.parametrize(
    ("forwarded", "status"), [("127.0.0.1, ::1", "503"), ("10.0.0.7", "200"), ("127.0.0.1, 10.0.0.7", "200")]
)
@pytest.mark.parametrize("address", ["127.0.0.1", ""])
def test_a_proxy_on_this_machine_brings_no_remote_client_in(wrap, address, forwarded, status):
    """What it forwards counts by where it came from, all the way."""
    served = wrap(app, ERROR)
    assert served.get(environ={"REMOTE_ADDR": address}).status[:3] == "503"
    environ = {"REMOTE_ADDR": address, "HTTP_X_FORWARDED_FOR": forwarded}
    assert served.get(environ=environ).status[:3] == status
    assert wrap(app, ERROR, safety={"allow_remote": True}).get(environ=environ).status[:3] == "503"


def test_the_stage_travels_with_the_request(wrap):
    """Rates are of the stage in the header; without a valid one it is `chaos`."""
    served = wrap(app, {**ERROR, "rate": {"10%": 1}}, {**NOOP, "rate": {"chaos": 1}})
    assert served.get(headers={"X-Chaos-Stage": "10%"}).status[:3] == "503"
    for stage in ({}, {"X-Chaos-Stage": "no such, stage"}):
        assert served.get(headers=stage).headers["X-Chaos-Fault"] == "1.1.1:r1"
    assert [line[1] for line in served.reached()] == ["10%", "chaos", "chaos"]


def test_the_answer_names_its_faults(wrap):
    """All that the request met before its headers went out; nothing where it met none."""
    served = wrap(app, NOOP, {**NOOP, "match": {"route": ["/b*"]}})
    assert served.get("/a").headers["X-Chaos-Fault"] == "1.1.1:r0"
    assert served.get("/b").headers["X-Chaos-Fault"] == "1.1.1:r0,1.1.1:r1"
    assert "X-Chaos-Fault" not in wrap(app).get("/a").headers


def test_rules_match_on_route_method_and_header(wrap):
    """Any of the patterns of a list; every kind that is given; case matters."""
    rule = {"route": ["/api/*", "/x"], "not_route": ["/api/health"], "method": ["GET"], "header": {"X-Tier": "gold*"}}
    served = wrap(app, {**NOOP, "match": rule})
    gold = {"headers": {"X-Tier": "golden"}}
    asked = [
        ("/api/a", gold), ("/x", gold), ("/api/health", gold), ("/API/a", gold), ("/api/a", {}),
        ("/api/a", {**gold, "method": "POST"}),
    ]  # fmt: skip
    assert ["X-Chaos-Fault" in served.get(path, **options).headers for path, options in asked] == [
        True, True, False, False, False, False,
    ]  # fmt: skip


def test_rules_match_on_the_content_type(wrap):
    """It is a header like others, though CGI keeps it under another kind of name."""
    served = wrap(app, {**NOOP, "match": {"header": {"Content-Type": "application/json*"}}})
    kinds = ["application/json; charset=utf-8", "text/plain"]
    replies = [served.get(method="POST", content_type=kind) for kind in kinds]
    assert ["X-Chaos-Fault" in reply.headers for reply in replies] == [True, False]


def test_an_app_that_is_wrapped_twice_meets_its_faults_once(wrap):
    """By hand and by `serve`, both from the same environment."""
    inner = wrap(app, NOOP)
    outer = wrap(inner.middleware, NOOP)
    assert outer.get().headers["X-Chaos-Fault"] == "1.1.1:r0"
    assert (len(outer.records("fault")), len(inner.records("fault"))) == (1, 0)


def test_the_same_requests_meet_the_same_faults_in_any_order(wrap):
    """Draws follow from the key alone: another order and another process's count change nothing."""
    keys = [f"{user}.{iteration}.1" for user in range(10) for iteration in range(30)]
    rule = {**NOOP, "rate": 0.2}

    def fired(order):
        served = wrap(app, rule)
        for key in order:
            served.get(key=key)
        return {event["id"] for event in served.records("fault")}

    once = fired(keys)
    assert once == fired(reversed(keys))
    assert 30 < len(once) < 90


def test_an_error_of_the_app_is_noted_and_raised(wrap):
    """It goes on to the server unchanged; a request that met a fault tells it."""

    def broken(environ, start_response):
        raise KeyError("seat")

    served = wrap(broken, NOOP)
    with pytest.raises(KeyError, match="seat"):
        served.get()
    (record,) = served.records("request")
    assert (record["error"]["class"], record["status"], record["route"]) == ("KeyError", None, "GET /")


class TextlessError(Exception):
    """An error of an app that is broken in its error handling too."""

    def __str__(self) -> str:
        return self.args[1]


@pytest.mark.parametrize(("error", "text"), [(TextlessError(), "its text cannot be had"), (ValueError("\udc80"), "?")])
def test_an_error_whose_text_cannot_be_had_is_still_the_apps(wrap, error, text):
    """The server gets it as it was, and the ledger stays readable by every JSON reader."""

    def broken(environ, start_response):
        raise error

    served = wrap(broken, NOOP)
    with pytest.raises(type(error)) as raised:
        served.get()
    assert raised.value is error
    assert served.records("request")[0]["error"]["text"].startswith(text)


def test_a_server_with_a_file_wrapper_that_is_no_class(wrap):
    """A few servers have a plain function there."""
    assert wrap(app, NOOP).get(environ={"wsgi.file_wrapper": lambda file: [file.read()]}).body == b"1.1.1"


def test_off_it_hands_every_request_straight_on(tmp_path, monkeypatch, wrap):
    """Without opt-in, or without an experiment, nothing is read and nothing is touched."""
    monkeypatch.delenv("CHAOS_ENABLED", raising=False)
    for off in (ChaosMiddleware(app, tmp_path / "not read"), ChaosMiddleware(app, enabled=True)):
        assert off.injector is None
        assert wrap.ask(off).body == b"None"
