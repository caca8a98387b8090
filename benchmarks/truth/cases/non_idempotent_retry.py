"""An order that is sent again when the answer to it was lost: taken twice, and nobody notices."""

from __future__ import annotations

import os
import time
from uuid import uuid4

import requests
from flask import Flask, jsonify

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="non_idempotent_retry",
    endpoints=["POST /orders"],
    rules=[
        http_rule("answer-lost", {"type": "connection_reset"}, rate=0.1, phase="after"),
        http_rule("answer-late", {"type": "read_timeout"}, rate=0.1),
    ],
)
PAUSES = (0.05, 0.1, 0.2)


def defect() -> Flask:
    """Sends it until an answer comes."""
    app = Flask(__name__)

    @app.post("/orders")
    def orders():
        for pause in PAUSES:
            try:
                url = os.environ["DEPENDENCY_URL"] + "/orders"
                taken = requests.post(url, json={"n": 1}, timeout=0.2)  # <- defect; mended by: idempotency_key
                return jsonify(taken.json()), 201
            except requests.RequestException:
                time.sleep(pause)
        return jsonify(error="Service Unavailable"), 503

    return app


def defect_new_key() -> Flask:
    """Gives each attempt a key of its own, which helps nobody."""
    app = Flask(__name__)

    @app.post("/orders")
    def orders():
        for pause in PAUSES:
            try:
                key = {"Idempotency-Key": uuid4().hex}
                url = os.environ["DEPENDENCY_URL"] + "/orders"
                taken = requests.post(url, json={"n": 1}, headers=key, timeout=0.2)  # <- defect
                return jsonify(taken.json()), 201
            except requests.RequestException:
                time.sleep(pause)
        return jsonify(error="Service Unavailable"), 503

    return app


def twin() -> Flask:
    """Gives the order a key, by which the other side knows it again."""
    app = Flask(__name__)

    @app.post("/orders")
    def orders():
        key = {"Idempotency-Key": uuid4().hex}
        for pause in PAUSES:
            try:
                url = os.environ["DEPENDENCY_URL"] + "/orders"
                taken = requests.post(url, json={"n": 1}, headers=key, timeout=0.2)
                return jsonify(taken.json()), 201
            except requests.RequestException:
                time.sleep(pause)
        return jsonify(error="Service Unavailable"), 503

    return app


def twin_once() -> Flask:
    """Sends it once, and says that it does not know."""
    app = Flask(__name__)

    @app.post("/orders")
    def orders():
        try:
            taken = requests.post(os.environ["DEPENDENCY_URL"] + "/orders", json={"n": 1}, timeout=0.2)
        except requests.RequestException:
            return jsonify(error="Gateway Timeout"), 504
        return jsonify(taken.json()), 201

    return app
