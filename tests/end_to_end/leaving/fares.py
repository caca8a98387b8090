"""The service that is asked for fares."""

from __future__ import annotations

import time

from flask import Flask, jsonify

app = Flask(__name__)


@app.get("/fares/<int:number>")
def fare(number):
    """Always the same."""
    return jsonify(fare=number * 10)


@app.get("/slow")
def slow():
    """So that several are under way at once."""
    time.sleep(0.1)
    return jsonify(fare=None)
