"""An app that calls the upstream named by `UPSTREAM`, for real servers: run by `python -m chaos_middleware.serve`."""

from __future__ import annotations

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests

UPSTREAM = os.environ.get("UPSTREAM", "")
POOL = ThreadPoolExecutor(4)


def ask(path):
    """The status of the upstream's answer, or the class of the error."""
    try:
        return requests.get(UPSTREAM + path, timeout=0.4).status_code
    except requests.RequestException as error:
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


def app(environ, start_response):
    """`/fan-out`, or any other path to be asked of the upstream; answers with what came and the seconds it took."""
    started = time.monotonic()
    path = environ["PATH_INFO"]
    found = fan_out() if path == "/fan-out" else ask(path)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([found, time.monotonic() - started]).encode()]
