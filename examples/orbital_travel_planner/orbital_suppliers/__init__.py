"""The suppliers: fares and travel advisories of the carriers, and the payment provider, in one small service."""

from __future__ import annotations

import time
import zlib

from flask import Flask, request

from . import fares, payments

__all__ = ["create_app"]


def create_app() -> Flask:
    """Make the service; it keeps no state, so any number of workers will do."""
    app = Flask(__name__)
    app.register_blueprint(fares.blueprint)
    app.register_blueprint(payments.blueprint)
    app.before_request(_work)
    app.add_url_rule("/healthz", "healthz", lambda: {"status": "ok"})
    return app


def _work() -> None:
    """Take as long as a service with a database of its own: 3 to 8 ms, always the same for the same request."""
    if request.path != "/healthz":
        identity = f"{request.method} {request.full_path}".encode() + request.get_data()
        time.sleep(0.003 + zlib.crc32(identity) % 6 / 1000)
