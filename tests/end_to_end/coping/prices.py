"""The dependency: every price is 5."""

from __future__ import annotations

from flask import Flask, jsonify

app = Flask(__name__)


@app.get("/<name>")
def price(name: str):
    """Always the same."""
    return jsonify(5)
