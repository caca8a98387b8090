"""A service with one route for each thing that can become of a fault at its dependency."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import suppress

import requests
from flask import Flask, abort, jsonify, redirect, request

from chaos_middleware import ChaosMiddleware

BASE = os.environ["PRICES_URL"]
PRICE = 5
session: dict[str, bool] = {"broken": False}


def create_app() -> Flask:
    """The application factory."""
    app = Flask(__name__)
    for view in (
        *(handled, degraded, reduced, wrong, swallowed, retried, propagated, mapped),
        *(redirected, hung, lost, crashed, poisoned, stormy, welcome, sorry),
    ):
        app.add_url_rule(f"/{view.__name__}", view_func=view)
    return app


def create_wrapped() -> Flask:
    """The same with the middleware in it, for a server of anybody's choice."""
    app = create_app()
    app.wsgi_app = ChaosMiddleware(app.wsgi_app)
    return app


def handled():
    """A fallback that is as good."""
    try:
        price = requests.get(f"{BASE}/handled", timeout=1).json()
    except requests.RequestException:
        price = PRICE
    return jsonify(price=price)


def degraded():
    """A fallback that says so."""
    try:
        return jsonify(price=requests.get(f"{BASE}/degraded", timeout=1).json(), degraded=False)
    except requests.RequestException:
        return jsonify(price=PRICE, degraded=True)


def reduced():
    """An optional part is left out."""
    answer = {"name": "lamp"}
    with suppress(requests.RequestException):
        answer["price"] = requests.get(f"{BASE}/reduced", timeout=1).json()
    return jsonify(answer)


def wrong():
    """A price is made up."""
    try:
        return jsonify(price=requests.get(f"{BASE}/wrong", timeout=1).json())
    except requests.RequestException:
        return jsonify(price=0)


def swallowed():
    """The error is swallowed; the visitors check for a price."""
    try:
        return jsonify(price=requests.get(f"{BASE}/swallowed", timeout=1).json(), id=time.monotonic())
    except requests.RequestException:
        return jsonify(price=None, id=time.monotonic())


def retried():
    """Asked up to five times."""
    for _ in range(4):
        try:
            return jsonify(price=requests.get(f"{BASE}/retried", timeout=1).json())
        except requests.RequestException:
            time.sleep(0.02)
    return jsonify(price=requests.get(f"{BASE}/retried", timeout=1).json())


def propagated():
    """Nobody catches it."""
    return jsonify(price=requests.get(f"{BASE}/propagated", timeout=1).json())


def mapped():
    """An error of the app's own choice."""
    try:
        return jsonify(price=requests.get(f"{BASE}/mapped", timeout=1).json())
    except requests.RequestException:
        abort(503)


def redirected():
    """To a page that says sorry, with a 200."""
    try:
        requests.get(f"{BASE}/redirected", timeout=1)
    except requests.RequestException:
        return redirect("/sorry")
    return redirect("/welcome")


def welcome():
    """Where all is well."""
    return jsonify(page=1)


def sorry():
    """Where it is not."""
    return jsonify(page=2)


def hung():
    """No timeout."""
    return jsonify(price=requests.get(f"{BASE}/hung").json())


def lost():
    """The connection is closed without an answer."""
    try:
        return jsonify(price=requests.get(f"{BASE}/lost", timeout=1).json())
    except requests.RequestException:
        request.environ["gunicorn.socket"].shutdown(socket.SHUT_RDWR)
        return ""


def crashed():
    """The worker dies."""
    try:
        return jsonify(price=requests.get(f"{BASE}/crashed", timeout=1).json())
    except requests.RequestException:
        os.kill(os.getpid(), signal.SIGKILL)


def poisoned():
    """What they share is of no use to the next one after an error."""
    if session["broken"]:
        session["broken"] = False
        raise RuntimeError("the session needs a rollback")
    try:
        return jsonify(price=requests.get(f"{BASE}/poisoned", timeout=1).json())
    except requests.RequestException:
        session["broken"] = True
        raise


def stormy():
    """Five times at once, in vain."""
    for _ in range(4):
        try:
            return jsonify(price=requests.get(f"{BASE}/stormy", timeout=1).json())
        except requests.RequestException:
            continue
    return jsonify(price=requests.get(f"{BASE}/stormy", timeout=1).json())
