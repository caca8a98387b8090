"""An app that connects while it is imported, by a name of its own: run by `python -m chaos_middleware.serve`."""

from __future__ import annotations

import json
import os
from sqlite3 import OperationalError, connect

connection = connect(os.environ["DATABASE_URL"], check_same_thread=False)


def app(environ, start_response):
    """Answers with the number of bookings, or the error, and the process."""
    try:
        found = connection.execute("SELECT count(*) FROM bookings").fetchone()[0]
    except OperationalError as error:
        found = str(error)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([found, 0, os.getpid()]).encode()]
