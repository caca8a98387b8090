"""A cache that is filled from elsewhere, and without which nothing is answered all the same."""

from __future__ import annotations

import os

import redis
import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case

CASE = Case(
    finder="cache_on_critical_path",
    endpoints=["GET /items/{n}"],
    rules=[
        {
            "name": "cache-reset",
            "seam": "cache",
            "rate": 0.1,
            "match": {"command": ["GET"]},
            "fault": {"type": "connection_reset"},
        }
    ],
    needs=["valkey"],
    also={
        "dependency_error": "what it leads to",
        "unmapped_error": "nobody catches what the client raises",
    },
)


def defect() -> Flask:
    """Asks the cache first, and nobody else where that cannot say."""
    app, cache = Flask(__name__), _cache()

    @app.get("/items/<int:n>")
    def item(n: int):
        known = cache.get(f"stock:{n}")  # <- defect; mended by: cache_as_miss
        if known is None:
            known = _stock(n)
            cache.set(f"stock:{n}", known)
        return app.response_class(known, mimetype="application/json")

    return app


def twin() -> Flask:
    """A cache in trouble is a cache that does not know."""
    app, cache = Flask(__name__), _cache()

    @app.get("/items/<int:n>")
    def item(n: int):
        try:
            known = cache.get(f"stock:{n}")
        except redis.RedisError:
            known = None
        if known is None:
            known = _stock(n)
            try:
                cache.set(f"stock:{n}", known)
            except redis.RedisError:
                app.logger.warning("the cache cannot be written")
        return app.response_class(known, mimetype="application/json")

    return app


def twin_told() -> Flask:
    """What lives in the cache alone cannot be had without it; the service says so."""
    app, cache = Flask(__name__), _cache()

    @app.get("/items/<int:n>")
    def item(n: int):
        try:
            seen = int(cache.get(f"seen:{n}") or 0)
            cache.set(f"seen:{n}", seen + 1)
        except redis.RedisError:
            return jsonify(error="Service Unavailable"), 503, {"Retry-After": "1"}
        return jsonify(n=n)

    return app


def _cache() -> redis.Redis:
    return redis.Redis.from_url(os.environ["CACHE_URL"], socket_timeout=0.5, retry=None)


def _stock(n: int) -> bytes:
    return requests.get(f"{os.environ['DEPENDENCY_URL']}/stock/{n}", timeout=1).content
