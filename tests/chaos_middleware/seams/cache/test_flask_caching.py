"""Flask-Caching on top: its Redis backend is redis-py, and what its users see is what the faults do to them."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import pytest
from flask import Flask, jsonify

pytest.importorskip("flask_caching")
import redis
from flask_caching import Cache
from redis.backoff import NoBackoff
from redis.retry import Retry


@pytest.fixture
def app(server):
    """A view that is cached, a function that is memoised, and a counter of how often they really ran."""
    app = Flask(__name__)
    url = f"redis://127.0.0.1:{server.port}/0"
    redis.from_url(url).flushall()
    settings = {"retry": Retry(NoBackoff(), 0), "socket_timeout": 0.3}
    cache = Cache(app, config={"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": url, "CACHE_OPTIONS": settings})
    runs = count(1)
    app.extensions["asked"] = cache

    @app.get("/view")
    @cache.cached(timeout=60)
    def view():
        return jsonify(next(runs))

    @cache.memoize(timeout=60)
    def square(number):
        return number * number, next(runs)

    @app.get("/memo/<int:number>")
    def memo(number):
        return jsonify(square(number))

    @app.get("/many")
    def many():
        cache.set_many({"a": 1, "b": 2})
        return jsonify(cache.get_many("a", "b"))

    return app


@pytest.fixture
def ask(wrap, app):
    """`ask(rule, path, ...)`: the status and JSON of each path in turn, under one rule of the cache seam."""

    def ask(rule, *paths):
        served = wrap(app.wsgi_app, {"seam": "cache", **rule}, app_dir=Path(__file__).parent, calls={"share": 1})
        ask.served = served
        replies = [served.get(path, f"1.{n}.0") for n, path in enumerate(paths)]
        return [(reply.status[:3], json.loads(reply.body) if reply.status[:3] == "200" else None) for reply in replies]

    return ask


def test_without_a_fault_the_second_answer_is_the_first(ask):
    """And the ledger names the commands and keys that Flask-Caching used."""
    assert ask({"fault": {"type": "noop"}}, "/view", "/view") == [("200", 1), ("200", 1)]
    targets = [call["target"] for call in ask.served.records("call")]
    assert targets == [
        "GET 127.0.0.1 flask_cache_view//view",
        "SET 127.0.0.1 flask_cache_view//view",
        "GET 127.0.0.1 flask_cache_view//view",
    ]


def test_a_miss_makes_the_view_run_again(ask):
    """Every time; what it stores is stored."""
    assert ask({"fault": {"type": "cache_miss"}}, "/view", "/view") == [("200", 1), ("200", 2)]


def test_a_stale_value_is_an_answer_of_before(ask, app):
    """The view ran twice, and its first answer is served."""
    rule = {"fault": {"type": "stale_value"}, "match": {"key": ["flask_cache_view//view"], "command": ["GET"]}}
    answers = ask(rule, "/view", "/view", "/view")
    assert answers == [("200", 1), ("200", 2), ("200", 1)]


def test_an_unreachable_cache_is_what_flask_caching_makes_of_it(ask):
    """Its `cached` hides the error and runs the view, while a lookup of the app's own lets it through."""
    rule = {"fault": {"type": "connection_reset"}}
    assert ask(rule, "/view", "/view") == [("200", 1), ("200", 2)]
    assert ask(rule, "/many") == [("500", None)]


def test_garbage_is_served_as_it_is(ask):
    """What cannot be unpickled the backend takes for a text, and that for the view's answer."""
    assert ask({"fault": {"type": "garbage_body", "body": '"broken"'}}, "/view") == [("200", "broken")]


def test_several_values_at_once(ask):
    """A pipeline and an MGET are a call each."""
    assert ask({"fault": {"type": "noop"}}, "/many") == [("200", [1, 2])]
    targets = [call["target"] for call in ask.served.records("call")]
    assert targets == [
        "PIPELINE SET 127.0.0.1 flask_cache_a flask_cache_b",
        "MGET 127.0.0.1 flask_cache_a flask_cache_b",
    ]


def test_a_memoised_function_asks_for_versions_and_then_for_its_value(ask):
    """The second time it does not run; each lookup is a call of its own."""
    assert ask({"fault": {"type": "noop"}}, "/memo/3", "/memo/3") == [("200", [9, 1]), ("200", [9, 1])]
    commands = [line[3].split()[0] for line in ask.served.reached() if line[0] == "1.1.0" and len(line) > 3]
    assert commands == ["MGET", "GET"]
