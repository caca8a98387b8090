"""The service that the till asks: it takes its time, always the same."""

from __future__ import annotations

import itertools
import time

from flask import Flask, jsonify, request

app = Flask(__name__)
SECONDS = 0.2  # long beside what a request costs: a lock around the call shows on a busy machine too
_numbers = itertools.count(1)


@app.get("/prices/<item>")
def price(item):
    """So many for each letter."""
    time.sleep(SECONDS)
    return jsonify(price=len(item))


@app.post("/charges")
def charge():
    """Each time another receipt: who asks twice pays twice."""
    time.sleep(SECONDS)
    return jsonify(number=next(_numbers), item=request.get_json()["item"]), 201
