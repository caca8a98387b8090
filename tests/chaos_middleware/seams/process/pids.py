"""An app that says which process answers: run by `python -m chaos_middleware.serve` in the tests beside it."""

from __future__ import annotations

import os


def app(environ, start_response):
    """The worker's pid."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Connection", "close")])
    return [str(os.getpid()).encode()]
