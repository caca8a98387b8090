"""A cache whose trouble is the service's own: what could be had without it is not even tried."""

from __future__ import annotations

import os

import redis
import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case

CASE = Case(
    finder="dependency_error",
    endpoints=["GET /items"],
    rules=[
        {"name": "cache-reset", "seam": "cache", "rate": 0.1, "fault": {"type": "connection_reset"}},
        {"name": "cache-miss", "seam": "cache", "rate": 0.5, "fault": {"type": "cache_miss"}},
    ],
    lethal=["cache-reset"],
    reach=0.5,  # what is written: what was missing
    least=2,
    needs=["valkey"],
)


def defect() -> Flask:
    """Asks the cache as if it could not fail."""
    app = Flask(__name__)
    cache = redis.Redis.from_url(os.environ["CACHE_URL"], socket_timeout=0.5, retry=None)

    @app.get("/items")
    def items():
        known = cache.get("stock")  # <- defect; also: unmapped_error, cache_on_critical_path
        if known is None:
            known = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).content
            cache.set("stock", known, ex=1)  # <- defect; also: unmapped_error, cache_on_critical_path
        return app.response_class(known, mimetype="application/json")

    return app


def twin() -> Flask:
    """A cache in trouble is a cache that does not know."""
    app = Flask(__name__)
    cache = redis.Redis.from_url(os.environ["CACHE_URL"], socket_timeout=0.5, retry=None)

    @app.get("/items")
    def items():
        try:
            known = cache.get("stock")
        except redis.RedisError:
            known = None
        if known is None:
            known = requests.get(os.environ["DEPENDENCY_URL"] + "/stock", timeout=1).content
            try:
                cache.set("stock", known, ex=1)
            except redis.RedisError:
                app.logger.warning("the cache cannot be written")
        return jsonify(app.json.loads(known))

    return app
