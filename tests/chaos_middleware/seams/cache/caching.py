"""An app on the cache at `CACHE_URL`, for real servers: run by `python -m chaos_middleware.serve`."""

from __future__ import annotations

import json
import os
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

CACHE = redis.Redis.from_url(os.environ.get("CACHE_URL", "redis://"), socket_timeout=0.4, retry=Retry(NoBackoff(), 0))


def app(environ, start_response):
    """Reads the key that the path names; answers with what came or the error's class, and the seconds it took."""
    started = time.monotonic()
    try:
        found = CACHE.get(environ["PATH_INFO"].strip("/"))
        answer = found and found.decode()
    except redis.RedisError as error:
        answer = type(error).__name__
    start_response("200 OK", [("Content-Type", "application/json"), ("Connection", "close")])
    return [json.dumps([answer, time.monotonic() - started, os.getpid()]).encode()]
