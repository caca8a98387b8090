"""A shop of one page, which asks a second service for its stock; as naive about failures as first versions are."""

from __future__ import annotations

import json
import os
import urllib.request

from flask import Flask, jsonify


def create_app() -> Flask:
    """The application factory."""
    app = Flask(__name__)

    @app.get("/items")
    def items():
        return jsonify(items=stock())

    @app.get("/about")
    def about():
        return jsonify(name="shop")

    return app


def stock() -> list:
    """What the other service says is there."""
    with urllib.request.urlopen(os.environ["STOCK_URL"] + "/stock") as answer:
        return json.load(answer)
