"""What a fault made of an answer is kept: long after it, requests that meet none are answered without a price."""

from __future__ import annotations

import os
from collections import Counter

import requests
from flask import Flask, jsonify, request

from benchmarks.truth.case import Case, http_rule

CASE = Case(
    finder="lasting_damage",
    endpoints=["GET /items/{n}", "POST /orders"],
    rules=[
        http_rule("stock-late", {"type": "latency", "seconds": 0.02}, rate=0.2),
        http_rule("stock-503", {"type": "http_error", "status": 503}, rate=0.25),
    ],
    lethal=["stock-503"],
    requests=600,
    reach=0.25,  # of two endpoints one makes a call, and not for what is thought to have no price
    stages=(
        {"name": "baseline", "share": 0.25},
        {"name": "chaos", "share": 0.5},
        {"name": "recovery", "share": 0.25},
    ),
)
SHELF = 10  # items that are sold from one shelf
ON_SHELF = 16  # more than are sold before the first fault, and fewer than are sold before the last


def body(n: int) -> dict:
    """What is ordered."""
    return {"item": n}


def defect() -> Flask:
    """Has never asked again for what it could not have once."""
    app, unpriced = Flask(__name__), set()

    @app.get("/items/<int:item>")
    def show(item: int):
        price = None
        if item not in unpriced:
            try:
                stock = requests.get(f"{os.environ['DEPENDENCY_URL']}/stock/{item}", timeout=1)  # <- defect
                stock.raise_for_status()
                price = stock.json()["price"]
            except requests.RequestException:
                unpriced.add(item)
        return jsonify(item=item, price=price)

    _orders(app)
    return app


def twin() -> Flask:
    """Keeps nothing of an answer that it did not get."""
    app = Flask(__name__)

    @app.get("/items/<int:item>")
    def show(item: int):
        return jsonify(item=item, price=_price(item))

    _orders(app)
    return app


def decoy_sold_out() -> Flask:
    """What is sold has no price any more, and that is as it should be: users bought it."""
    app, sold = Flask(__name__), Counter()

    @app.get("/items/<int:item>")
    def show(item: int):
        return jsonify(item=item, price=_price(item) if sold[item // SHELF] < ON_SHELF else None)

    @app.post("/orders")
    def order():
        shelf = request.get_json()["item"] // SHELF
        sold[shelf] += 1
        return jsonify(taken=sold[shelf] <= ON_SHELF)

    return app


def _orders(app: Flask) -> None:
    @app.post("/orders")
    def order():
        return jsonify(taken=True)


def _price(item: int) -> int | None:
    try:
        stock = requests.get(f"{os.environ['DEPENDENCY_URL']}/stock/{item}", timeout=1)
        stock.raise_for_status()
        return stock.json()["price"]
    except requests.RequestException:
        return None
