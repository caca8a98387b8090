"""A pipeline or transaction is one call."""

from __future__ import annotations

import pytest

from chaos_middleware.errors import injected_by


@pytest.fixture(params=[True, False], ids=["transaction", "pipeline"])
def pipe(request, connect):
    """Makes pipelines of both kinds, of one client."""
    client = connect(socket_timeout=0.3)
    make = lambda: client.pipeline(transaction=request.param)  # noqa: E731
    make.client = client
    return make


def test_it_is_drawn_for_once(chaos, pipe):
    """Its commands and keys are named in order, each once."""
    served = chaos({"fault": {"type": "noop"}})
    replies = served.run(lambda: pipe().set("a", 1).get("a").set("b", 2).mget("a", "c").execute())
    assert replies == [True, b"1", True, [b"1", None]]
    assert served.reached() == [("PIPELINE SET GET MGET 127.0.0.1 a b c", "0")]
    (call,) = served.records("call")
    assert call["error"] is None


@pytest.mark.parametrize("phase", ["before", "after"])
def test_its_answer_can_be_lost(chaos, pipe, library, phase):
    """Before: nothing was done. After: all was."""
    served = chaos({"fault": {"type": "connection_reset"}, "phase": phase})
    error, _ = served.timed(lambda: pipe().set("a", 1).incr("a").execute())
    assert isinstance(error, library.exceptions.ConnectionError)
    assert injected_by(error) == served.records("fault")[0]["id"]
    assert pipe.client.get("a") == (None if phase == "before" else b"2")


def test_a_delay_ends_with_the_socket_timeout(chaos, pipe, library):
    """As for a single command."""
    error, seconds = chaos({"fault": {"type": "latency", "seconds": 5}}).timed(lambda: pipe().get("a").execute())
    assert isinstance(error, library.exceptions.TimeoutError)
    assert 0.3 <= seconds < 1.5


def test_its_reads_miss_and_its_writes_are_done(chaos, pipe):
    """A miss befalls what only reads."""
    pipe.client.set("a", "x")
    served = chaos({"fault": {"type": "cache_miss"}})
    assert served.run(lambda: pipe().get("a").set("b", "y").get("b").execute()) == [None, True, None]
    assert pipe.client.get("b") == b"y"


def test_its_values_can_be_garbage_or_old(chaos, pipe):
    """Each at its place."""
    pipe.client.mset({"a": "x", "b": "y"})
    garbled = chaos({"fault": {"type": "garbage_body", "body": "?"}})
    assert garbled.run(lambda: pipe().get("a").exists("a").mget("a", "b").execute()) == [b"?", 1, [b"?", b"?"]]
    served = chaos({"fault": {"type": "stale_value"}, "match": {"command": ["PIPELINE GET*"]}})
    served.run(lambda: pipe().set("a", "1").set("a", "2").execute())
    assert served.run(lambda: pipe().get("a").get("b").execute()) == [b"1", None]


def test_one_without_a_command_that_can_have_a_fault_is_not_matched(chaos, pipe):
    """No value is read here."""
    served = chaos({"fault": {"type": "garbage_body"}})
    assert served.run(lambda: pipe().set("a", 1).exists("a").execute()) == [True, 1]
    assert served.reached() == []


def test_an_empty_one_sends_nothing(chaos, pipe):
    """And so is no call."""
    served = chaos({"fault": {"type": "connection_reset"}})
    assert served.run(lambda: pipe().execute()) == []
    assert served.records("call") == []


def test_a_command_that_fails_in_it_is_its_own(chaos, pipe, library):
    """The others' values are garbled all the same, and what was not asked to raise does not."""
    pipe.client.rpush("list", 1)
    served = chaos({"fault": {"type": "garbage_body", "body": "?"}})
    error, value = served.run(lambda: pipe().get("list").get("a").execute(raise_on_error=False))
    assert isinstance(error, library.exceptions.ResponseError)
    assert value == b"?"
    raised, _ = served.timed(lambda: pipe().get("list").get("a").execute())
    assert isinstance(raised, library.exceptions.ResponseError)


def test_a_lost_connection_ends_a_watch(chaos, connect, library):
    """A transaction that watches keys learns that it can no longer be sure: the client's own WatchError."""
    client = connect()
    served = chaos({"fault": {"type": "connection_reset"}, "match": {"command": ["PIPELINE*"]}})

    def view():
        with client.pipeline() as pipe:
            pipe.watch("k")
            pipe.get("k")
            pipe.multi()
            return pipe.set("k", 1).execute()

    error, _ = served.timed(view)
    assert isinstance(error, library.exceptions.WatchError)
    assert [call["target"] for call in served.records("call")] == [
        "WATCH 127.0.0.1 k", "GET 127.0.0.1 k", "PIPELINE SET 127.0.0.1 k",
    ]  # fmt: skip
    assert client.get("k") is None
