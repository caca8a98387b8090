"""Faults in what a cache answers: nothing, what was there before, or garbage."""

from __future__ import annotations

import pytest


def rule(fault, **settings):
    """A rule that always fires."""
    match = {"match": settings.pop("match")} if "match" in settings else {}
    return {"fault": {"type": fault, **settings}, **match}


STORED = {
    "get": ("string",),
    "mget": ("string", "other"),
    "exists": ("string", "other"),
    "strlen": ("string",),
    "type": ("string",),
    "ttl": ("string",),
    "hget": ("hash", "field"),
    "hmget": ("hash", ["field", "none"]),
    "hgetall": ("hash",),
    "hkeys": ("hash",),
    "hexists": ("hash", "field"),
    "lrange": ("list", 0, -1),
    "llen": ("list",),
    "smembers": ("set",),
    "sismember": ("set", "a"),
    "zrange": ("sorted", 0, -1),
    "zscore": ("sorted", "a"),
    "zcard": ("sorted",),
}


@pytest.fixture(params=[2, 3])
def client(request, connect):
    """A client that speaks the older or the newer protocol, of a database that has one of each kind."""
    client = connect(protocol=request.param)
    client.mset({"string": "s", "other": "o"})
    client.hset("hash", "field", "f")
    client.rpush("list", "l")
    client.sadd("set", "a")
    client.zadd("sorted", {"a": 1})
    return client


def test_a_miss_is_what_the_server_says_of_nothing(chaos, client):
    """For each reading command the very answer of an empty database, in the client's own types."""
    served = chaos(rule("cache_miss"))
    found = {name: getattr(client, name)(*args) for name, args in STORED.items()}
    missed = {name: served.run(lambda n=name, a=args: getattr(client, n)(*a)) for name, args in STORED.items()}
    client.flushall()
    empty = {name: getattr(client, name)(*args) for name, args in STORED.items()}
    assert missed == empty
    assert all(missed[name] != found[name] for name in set(STORED) - {"ttl"})
    assert len(served.records("fault")) == len(STORED)


def test_a_miss_changes_nothing_that_is_stored(chaos, client):
    """Writes are not matched, what they do stays, and no other key comes into being."""
    served = chaos(rule("cache_miss"))
    keys = set(client.keys())
    written = served.run(
        lambda: [client.set("new", 1), client.incr("new"), client.getset("new", 5), client.delete("set")]
    )
    assert written == [True, 2, b"2", 1]
    assert served.records("fault") == []
    assert served.run(lambda: client.get("new")) is None
    assert (client.get("new"), set(client.keys())) == (b"5", keys - {b"set"} | {b"new"})


def test_a_miss_of_text_and_bytes(chaos, connect):
    """Keys come as text, bytes or numbers, and answers as text where the client decodes them."""
    client = connect(decode_responses=True)
    client.mset({"a": "x", "7": "y"})
    assert client.get(b"a") == "x"
    assert chaos(rule("cache_miss")).run(lambda: [client.get(b"a"), client.get(7), client.mget("a", "7")]) == [
        None,
        None,
        [None, None],
    ]


def test_a_stale_value_is_the_one_before(chaos, connect):
    """What was read or written earlier; where nothing was before, nothing is there."""
    client = connect()
    served = chaos(rule("stale_value", match={"route": ["/none"]}), rule("stale_value", match={"command": ["GET"]}))

    def view():
        seen = []
        for value in ("1", "2", "2", "3"):
            client.set("k", value)
            seen.append(client.get("k"))
        return seen

    assert served.run(view) == [None, b"1", b"1", b"2"]
    assert client.get("k") == b"3"
    assert [end["measured"]["did"] for end in served.records("end")][:2] == [
        "0 of 1 values as before, the others missing",
        "1 of 1 values as before, the others missing",
    ]


def test_another_processs_write_is_seen_when_it_is_read(chaos, connect):
    """What somebody else wrote is known from the reads of keyed requests."""
    client = connect()
    served = chaos({**rule("stale_value"), "rate": {"chaos": 0, "late": 1}})
    for value in (b"one", b"two"):
        client.set("k", value)
        assert served.run(lambda: client.get("k")) == value
    view = lambda: client.get("k")  # noqa: E731
    served.view = view
    served.wrapped.get("/page", "1.0.1", headers={"X-Chaos-Stage": "late"})
    assert served.result == b"one"
    client.delete("k")
    served.wrapped.get("/page", "1.0.2", headers={"X-Chaos-Stage": "late"})
    assert served.result == b"two"


def test_stale_values_of_several_keys_and_fields(chaos, connect):
    """Each item has its own past."""
    client = connect(decode_responses=True)
    served = chaos(rule("stale_value"))

    def view():
        client.mset({"a": "a1", "b": "b1"})
        client.set("a", "a2")
        client.hset("h", mapping={"f": "f1", "g": "g1"})
        client.hset("h", "g", "g2")
        return client.mget("a", "b", "c"), client.hmget("h", ["f", "g"]), client.hget("h", "g")

    assert served.run(view) == (["a1", None, None], [None, "g1"], "g1")


def test_databases_do_not_mix(chaos, connect):
    """The same key in another database has a past of its own."""
    one, other = connect(), connect(db=1)
    served = chaos(rule("stale_value"))

    def view():
        one.set("k", "x")
        other.set("k", "y")
        one.set("k", "z")
        return one.get("k"), other.get("k")

    assert served.run(view) == (b"x", None)


def test_a_write_that_did_not_happen_is_not_remembered(chaos, connect):
    """SET NX on a key that is there writes nothing."""
    client = connect()
    served = chaos(rule("stale_value"))

    def view():
        client.set("k", "1")
        client.set("k", "2")
        client.set("k", "3", nx=True)
        return client.get("k")

    assert served.run(view) == b"1"


def test_without_a_rule_for_it_nothing_is_remembered(chaos, connect):
    """No other experiment keeps values of the app in memory."""
    from chaos_middleware.seams.cache.earlier import memory_of

    assert memory_of(chaos(rule("cache_miss")).wrapped.injector) is None
    assert memory_of(chaos(rule("stale_value")).wrapped.injector) is not None


def test_garbage_is_in_the_place_of_each_value(chaos, client):
    """Also where nothing is stored; counts, names of fields and the values of other commands stay."""
    served = chaos(rule("garbage_body", body="<html>"))

    def view():
        return {name: getattr(client, name)(*args) for name, args in STORED.items()}

    answers = served.run(view)
    assert answers["get"] == answers["hget"] == b"<html>"
    assert answers["mget"] == answers["hmget"] == [b"<html>", b"<html>"]
    assert answers["hgetall"] == {b"field": b"<html>"}
    assert answers["lrange"] == [b"<html>"]
    assert list(answers["smembers"]) == [b"<html>"]
    assert (answers["exists"], answers["hkeys"], answers["zscore"]) == (2, [b"field"], 1.0)
    assert served.run(lambda: client.get("nothing")) == b"<html>"
    assert client.get("string") == b"s"


def test_garbage_is_text_where_the_client_decodes(chaos, connect):
    """As everything else that it answers."""
    client = connect(decode_responses=True)
    client.set("k", "v")
    assert chaos(rule("garbage_body", body="ünlesbar")).run(lambda: client.get("k")) == "ünlesbar"


def test_a_miss_comes_before_other_answers(chaos, connect):
    """Of a miss and garbage for one call the miss acts; the other is `preempted`."""
    client = connect()
    client.set("k", "v")
    served = chaos(rule("garbage_body"), rule("cache_miss"))
    assert served.run(lambda: client.get("k")) is None
    assert [(record["rule"], record["reason"]) for record in served.records("suppressed")] == [("r0", "preempted")]
