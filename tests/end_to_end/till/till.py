"""A till: it asks a bank for prices and has it charge for orders. Patches beside it do harm in five ways."""

from __future__ import annotations

import os

import requests
from flask import Flask, jsonify, request


def create_app() -> Flask:
    """The application factory."""
    app = Flask(__name__)

    @app.get("/prices/<item>")
    def show(item):
        return jsonify(item=item, price=price(item))

    @app.post("/orders")
    def order():
        item = request.get_json()["item"]
        return jsonify(item=item, receipt=charge(item)), 201

    return app


def price(item: str) -> int:
    """What an item costs."""
    answer = requests.get(f"{os.environ['BANK_URL']}/prices/{item}")
    answer.raise_for_status()
    return answer.json()["price"]


def charge(item: str) -> dict:
    """The receipt for an item."""
    answer = requests.post(f"{os.environ['BANK_URL']}/charges", json={"item": item})
    answer.raise_for_status()
    return answer.json()
