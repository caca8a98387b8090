"""Faults of single commands, on both clients and a real server."""

from __future__ import annotations

import errno
import importlib
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from chaos_middleware.errors import injected_by

HERE = Path(__file__).name


def rule(fault, phase="before", **settings):
    """A rule that always fires."""
    extra = {key: settings.pop(key) for key in ("match", "persistence", "rate") if key in settings}
    return {"fault": {"type": fault, **settings}, "phase": phase, **extra}


def nobody():
    """A port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def behaving(how):
    """The port of a server that says OK to one client until it is asked to GET: then it `resets`, or is `silent`."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener, listener.accept()[0] as connection:
            while b"GET" not in (asked := connection.recv(4096)):
                connection.sendall(b"+OK\r\n" * asked.count(b"*"))
            if how == "resets":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                connection.recv(1)  # until the client gives up

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


REAL = {"connection_reset": "resets", "read_timeout": "silent"}


@pytest.mark.parametrize("fault", REAL)
def test_an_injected_error_is_the_real_one(chaos, connect, server, fault):
    """Class, text and origin are those of the client's own error, met in earnest."""
    injected = chaos(rule(fault)).timed(lambda: connect(socket_timeout=0.2, protocol=2).get("k"))[0]
    port = behaving(REAL[fault])
    with pytest.raises(Exception) as real:  # noqa: PT011 - compared below
        connect(port=port, socket_timeout=0.2, protocol=2).get("k")
    assert type(injected) is type(real.value)
    assert str(injected).replace(str(server.port), "PORT") == str(real.value).replace(str(port), "PORT")
    origin, cause = injected.__context__, real.value.__context__
    assert isinstance(origin, OSError)
    assert getattr(origin, "errno", None) == getattr(cause, "errno", None)


def test_an_injected_refusal_is_the_real_one(chaos, connect, server):
    """As where nobody listens; in earnest the pool meets it, before any command."""
    injected, _ = chaos(rule("connection_refused")).timed(lambda: connect().get("k"))
    port = nobody()
    with pytest.raises(Exception) as real:  # noqa: PT011 - compared below
        connect(port=port).get("k")
    assert type(injected) is type(real.value)
    assert str(injected).replace(str(server.port), "PORT") == str(real.value).replace(str(port), "PORT")
    assert injected.__context__.errno == real.value.__context__.errno == errno.ECONNREFUSED


@pytest.mark.parametrize("fault", ["connection_reset", "connection_refused", "read_timeout", "connect_timeout"])
def test_an_error_leads_back_to_its_event(chaos, connect, fault):
    """`injected_by` knows it, the ledger has event, call and the app's own line."""
    served = chaos(rule(fault))
    client = connect(socket_timeout=0.05, socket_connect_timeout=0.05)
    error, _ = served.timed(lambda: client.get("user:7"))
    (event,) = served.records("fault")
    (call,) = served.records("call")
    (end,) = served.records("end")
    assert injected_by(error) == event["id"]
    assert event["target"] == call["target"] == "GET 127.0.0.1 user:7"
    assert call["faults"] == [event["id"]]
    assert call["error"] == end["measured"]["did"] == type(error).__name__
    assert call["timeout"] == [0.05, 0.05]
    assert Path(event["site"]["file"]).name == HERE
    assert served.reached() == [("GET 127.0.0.1 user:7", "0")]


@pytest.mark.parametrize(
    ("fault", "limit"), [("read_timeout", "socket_timeout"), ("connect_timeout", "socket_connect_timeout")]
)
def test_a_silent_server_costs_the_callers_timeout(chaos, connect, library, fault, limit):
    """0.3 s where the client has set them, `give_up` where it has set none."""
    client = connect(**{"socket_timeout": None, "socket_connect_timeout": None, limit: 0.3})
    error, seconds = chaos(rule(fault)).timed(lambda: client.get("k"))
    assert isinstance(error, library.exceptions.TimeoutError)
    assert 0.3 <= seconds < 1.5
    client = connect(socket_timeout=None, socket_connect_timeout=None)
    _, seconds = chaos(rule(fault, give_up=0.1)).timed(lambda: client.get("k"))
    assert 0.1 <= seconds < 1.5


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_delay_ends_with_the_socket_timeout(chaos, connect, library, phase):
    """5 s of delay with a `socket_timeout` of 0.3 s are a TimeoutError at 0.3 s; the next answer is the right one."""
    client = connect(socket_timeout=0.3)
    error, seconds = chaos(rule("latency", phase, seconds=5)).timed(lambda: client.incr("count"))
    assert isinstance(error, library.exceptions.TimeoutError)
    assert 0.3 <= seconds < 1.5
    assert client.get("count") == (None if phase == "before" else b"1")


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_short_delay_is_just_one(chaos, connect, phase):
    """What was asked is what it takes, and the answer is right."""
    client = connect(socket_timeout=2)
    client.set("k", "v")
    served = chaos(rule("latency", phase, seconds=0.2))
    assert served.run(lambda: client.get("k")) == b"v"
    (call,) = served.records("call")
    assert 0.2 <= call["seconds"] < 1
    assert call["error"] is None


def test_the_real_call_has_what_a_delay_left(chaos, connect, library):
    """A server that needs too long after a delay is a timeout at the caller's limit, and the delay is named as why."""
    client = connect(socket_timeout=1)
    served = chaos(rule("latency", seconds=0.6, match={"command": ["BLPOP"]}))
    error, seconds = served.timed(lambda: client.blpop("nothing", 3))
    assert isinstance(error, library.exceptions.TimeoutError)
    assert 1 <= seconds < 1.5
    assert injected_by(error) == served.records("fault")[0]["id"]
    started = time.monotonic()
    with pytest.raises(library.exceptions.TimeoutError):
        client.blpop("nothing", 3)
    assert 1 <= time.monotonic() - started < 1.5


def test_a_blocking_command_waits_as_it_would(chaos, connect):
    """Where it has the time, a delay comes on top of its own wait."""
    client = connect(socket_timeout=None)
    served = chaos(rule("latency", seconds=0.1))
    assert served.run(lambda: client.blpop("nothing", 1)) is None
    assert 1.1 <= served.records("call")[0]["seconds"] < 2.5


def test_what_comes_after_a_write_finds_it_done(chaos, connect, library):
    """The answer is lost, the value is there; before, it is not."""
    client = connect(socket_timeout=0.2)
    for fault in ("connection_reset", "read_timeout"):
        error, _ = chaos(rule(fault, "after")).timed(lambda name=fault: client.set(name, "1"))
        assert isinstance(error, (library.exceptions.ConnectionError, library.exceptions.TimeoutError))
        assert client.get(fault) == b"1"
        chaos(rule(fault)).timed(lambda name=fault: client.set(name, "2"))
        assert client.get(fault) == b"1"


def test_a_reset_ends_the_connection(chaos, connect):
    """The next command has a new one."""
    client = connect()
    before = client.client_id()
    chaos(rule("connection_reset")).timed(lambda: client.get("k"))
    assert client.client_id() != before


def retrying(connect, library, times, **settings):
    """A client that repeats a command so often, at once."""
    retry = importlib.import_module(f"{library.__name__}.retry").Retry(library.backoff.NoBackoff(), times)
    errors = [library.exceptions.ConnectionError, library.exceptions.TimeoutError]
    return connect(retry=retry, retry_on_error=errors, **settings)


def test_the_clients_own_retries_are_attempts(chaos, connect, library):
    """With persistence `request` all of them fail; each is drawn for, and noted."""
    client = retrying(connect, library, 2)
    served = chaos(rule("connection_reset", persistence="request"))
    error, _ = served.timed(lambda: client.get("k"))
    assert isinstance(error, library.exceptions.ConnectionError)
    assert served.reached() == [("GET 127.0.0.1 k", str(n)) for n in range(3)]
    assert len(served.records("fault")) == len(served.records("call")) == 3


def test_a_retry_draws_anew(chaos, connect, library):
    """With persistence `attempt` and half the rate, some requests fail first and the client's own retry saves them."""
    client = retrying(connect, library, 10)
    served = chaos(rule("connection_reset", rate=0.5))
    for n in range(30):
        assert served.run(lambda: client.get("k"), key=f"1.{n}.0") is None
    counts = [sum(event["key"] == f"1.{n}.0" for event in served.records("fault")) for n in range(30)]
    assert 0 in counts
    assert max(counts) > 1
    assert len(served.records("call")) == 30 + sum(counts)


def test_a_delay_on_a_retry_counts_for_itself(chaos, connect, library):
    """Each attempt has the whole `socket_timeout`, as without faults."""
    client = retrying(connect, library, 1, socket_timeout=0.2)
    error, seconds = chaos(rule("latency", seconds=5)).timed(lambda: client.get("k"))
    assert isinstance(error, library.exceptions.TimeoutError)
    assert 0.4 <= seconds < 1.5


def test_rules_match_command_key_and_host(chaos, connect):
    """Globs on each; another call meets nothing, and is in no `.reached` line."""
    client = connect()
    served = chaos(rule("connection_reset", match={"command": ["GET"], "key": ["fares:*"], "host": ["127.*"]}))
    assert served.run(lambda: [client.get("users:1"), client.exists("fares:1")]) == [None, 0]
    assert served.reached() == []
    assert [call["occurrence"] for call in served.records("call")] == [None, None]
    served.timed(lambda: client.get("fares:1"))
    assert served.reached() == [("GET 127.0.0.1 fares:1", "0")]


def test_values_do_not_make_a_call_another(chaos, connect):
    """The same key with other values is the same call again: its next occurrence."""
    client = connect()
    served = chaos(rule("noop"))
    served.run(lambda: [client.set("k", time.time_ns(), ex=n + 1) for n in range(2)])
    assert served.reached() == [("SET 127.0.0.1 k", "0"), ("SET 127.0.0.1 k", "1")]


def test_without_a_key_nothing_happens(chaos, connect):
    """Requests without a key are left alone."""
    client = connect()
    served = chaos(rule("connection_reset"))
    assert served.run(lambda: client.get("k"), key=None) is None
    assert served.records("call") == []


def test_an_error_of_the_servers_own_is_just_noted(chaos, connect, library):
    """A command on the wrong type raises what it always did."""
    client = connect()
    client.set("k", "v")
    served = chaos(rule("noop"))
    error, _ = served.timed(lambda: client.lpush("k", 1))
    assert isinstance(error, library.exceptions.ResponseError)
    assert injected_by(error) is None
    assert served.records("call")[0]["error"] == type(error).__name__


def test_a_connection_that_does_not_come_about_is_noted(chaos, connect, library):
    """No command was sent, but the ledger has the attempt, and how long it took."""
    client = connect(port=nobody(), socket_connect_timeout=1)
    served = chaos(rule("connection_reset"))
    error, _ = served.timed(lambda: client.get("k"))
    assert isinstance(error, library.exceptions.ConnectionError)
    assert injected_by(error) is None
    (call,) = served.records("call")
    assert (call["target"], call["error"], call["timeout"][0]) == ("CONNECT 127.0.0.1", "ConnectionError", 1)
    assert Path(call["site"]["file"]).name == HERE
    assert served.reached() == []


def test_a_unix_socket_is_a_cache_too(chaos, library, tmp_path_factory):
    """Its host is `unix`, whatever the path: paths differ from run to run."""
    from tests.valkey_server import running_valkey

    path = tmp_path_factory.mktemp("s") / "valkey"
    with running_valkey(unix_socket_path=path):
        client = library.from_url(f"unix://{path}")
        served = chaos(rule("garbage_body", body="x"))
        assert served.run(lambda: client.get("k")) == b"x"
        client.close()
    assert served.reached() == [("GET unix k", "0")]


def test_pub_sub_is_left_alone(chaos, connect):
    """Its messages come; publishing is a command like others."""
    client = connect()
    served = chaos(rule("connection_reset", match={"command": ["SUBSCRIBE", "PING"]}))

    def view():
        with client.pubsub() as listener:
            listener.subscribe("news")
            listener.get_message(timeout=1)
            client.publish("news", "hello")
            return listener.get_message(timeout=1)["data"]

    assert served.run(view) == b"hello"
    assert [call["target"] for call in served.records("call")] == ["PUBLISH 127.0.0.1 news"]


def test_the_kill_switch_wakes_a_delay(chaos, connect):
    """The call goes on at once."""
    client = connect(socket_timeout=None)
    client.set("k", "v")
    served = chaos(rule("latency", seconds=30))
    timer = threading.Timer(0.3, served.control.stop)
    timer.start()
    started = time.monotonic()
    assert served.run(lambda: client.get("k")) == b"v"
    assert time.monotonic() - started < 2
    timer.join()


def test_uninstall_puts_the_very_same_functions_back(library, chaos, connect):
    """With the last middleware the clients are as they were."""
    from chaos_middleware.seams.cache import SEAM

    modules = {name: importlib.import_module(f"{library.__name__}.{name}") for name in ("client", "connection")}
    paths = [(module, path) for module in modules for path in _paths(library, module)]
    before = [_function(modules[module], path) for module, path in paths]
    SEAM.install()
    during = [_function(modules[module], path) for module, path in paths]
    SEAM.uninstall()
    assert [_function(modules[module], path) for module, path in paths] == before
    assert not any(one is other for one, other in zip(before, during, strict=True))


def _paths(library, module):
    client = "Redis" if library.__name__ == "redis" else "Valkey"
    return {
        "client": [
            f"{client}._send_command_parse_response",
            "Pipeline._execute_pipeline",
            "Pipeline._execute_transaction",
        ],
        "connection": ["ConnectionPool.get_connection", "BlockingConnectionPool.get_connection"],
    }[module]


def _function(module, path):
    owner, _, name = path.partition(".")
    return vars(getattr(module, owner))[name]


def test_eight_threads_meet_what_they_should(chaos, connect, library):
    """Each key has its own fault or none, whatever the order; the rest get their answers."""
    from concurrent.futures import ThreadPoolExecutor

    client = connect()
    served = chaos(rule("connection_reset", rate=0.5))
    hits = {}

    def ask(n):
        try:
            client.set(f"k{n}", n)
            hits[n] = client.get(f"k{n}")
        except library.exceptions.ConnectionError as error:
            hits[n] = injected_by(error)

    def view():
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ask, range(80)))

    served.run(view)
    first = dict(hits)
    fired = {event["id"] for event in served.records("fault")}
    assert {hit for hit in hits.values() if isinstance(hit, str)} == fired
    assert all(hit == str(n).encode() for n, hit in hits.items() if not isinstance(hit, str))
    assert 20 < len(fired) < 75
    served.run(view)
    assert hits == first
