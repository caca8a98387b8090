"""An app that calls the upstream named by `UPSTREAM`, for real servers: run by `python -m chaos_middleware.serve`."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import requests

UPSTREAM = os.environ.get("UPSTREAM", "")
POOL = ThreadPoolExecutor(4)
CLIENT = httpx.Client()


def limit(path):
    """The timeout of a call in seconds: short where it is what ends it."""
    return 0.4 if path == "/asleep" else 10


def ask(path):
    """The status of the upstream's answer, or the class of the error."""
    try:
        return requests.get(UPSTREAM + path, timeout=limit(path)).status_code
    except requests.RequestException as error:
        return type(error).__name__


def ask_by_httpx(path):
    """As `ask`, by a client that all requests share."""
    try:
        return CLIENT.get(UPSTREAM + path, timeout=limit(path)).status_code
    except httpx.HTTPError as error:
        return type(error).__name__


def ask_in_a_loop(path):
    """As `ask`, by an async client in a loop of its own."""

    async def asked():
        async with httpx.AsyncClient(timeout=limit(path), verify=False) as client:
            return (await client.get(UPSTREAM + path)).status_code

    try:
        return asyncio.run(asked())
    except httpx.HTTPError as error:
        return type(error).__name__


def fan_out():
    """Ask in a thread of a pool, in a thread of its own, and in a greenlet where there is gevent."""
    answers = {"pool": POOL.submit(ask, "/pool")}
    seen = {}
    thread = threading.Thread(target=lambda: seen.update(thread=ask("/thread")))
    thread.start()
    if "gevent" in os.environ["FAN_OUT"]:
        import gevent

        seen["greenlet"] = gevent.spawn(ask, "/greenlet").get()
    thread.join()
    return {**seen, **{name: future.result() for name, future in answers.items()}}


BY = {"requests": ask, "httpx": ask_by_httpx, "async": ask_in_a_loop}


def app(environ, start_response):
    """`/fan-out`, or `/LIBRARY/PATH` to be asked of the upstream; answers with what came, the seconds it took, and the
    process.
    """
    started = time.monotonic()
    library, _, path = environ["PATH_INFO"][1:].partition("/")
    found = fan_out() if library == "fan-out" else BY[library](f"/{path}")
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([found, time.monotonic() - started, os.getpid()]).encode()]
