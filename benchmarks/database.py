"""What the database seam costs a call that no rule is for.

In pairs (benchmarks/pairs.py), on a SQLite database in memory, which answers faster than any other. All seams are
installed, and the experiment has a rule for the seam that these calls do not match. `unkeyed`: no current request,
against no seam. `noted`: a call of a keyed request, looked up, timed, its site found and its note kept, against no
seam; this is the row that has the target.
"""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from benchmarks.pairs import Call, difference
from chaos_middleware import ChaosMiddleware
from chaos_middleware.experiment import parse

TARGET = 2.0  # µs
HERE = Path(__file__).parent
RULE = {"name": "elsewhere", "seam": "database", "rate": 1, "match": {"table": ["else*"]}, "fault": {"type": "noop"}}
STATEMENT = "SELECT name FROM sqlite_master WHERE name = ?"


def run() -> list[dict[str, Any]]:
    """Rows of `name`, `microseconds` a call, its 95 % interval over the pairs, and the target of what is noted."""
    with tempfile.TemporaryDirectory() as folder:
        experiment = parse({"version": 1, "seed": 1, "rules": [RULE], "calls": {"share": 0}})
        middleware = ChaosMiddleware(lambda *_: [], experiment, enabled=True, run_dir=folder, app_dir=HERE)
        assert middleware.injector is not None
        request, _ = middleware.injector.open("1.0.0", "chaos", {"REQUEST_METHOD": "GET", "PATH_INFO": "/"})
        try:
            rows = []
            for name, make in {"sqlite3": _sqlite3, "SQLAlchemy Core": _core, "SQLAlchemy ORM": _orm}.items():
                rows.append({"name": f"database, {name}, unkeyed", **difference(make, None)})
                rows.append({"name": f"database, {name}, noted", **difference(make, request), "target": TARGET})
            return rows
        finally:
            middleware.uninstall()


def _sqlite3() -> Call:
    cursor = sqlite3.connect(":memory:").cursor()
    return lambda: cursor.execute(STATEMENT, ("x",))


def _core() -> Call:
    connection = create_engine("sqlite://", poolclass=StaticPool).connect()
    statement, values = text(STATEMENT.replace("?", ":name")), {"name": "x"}
    return lambda: connection.execute(statement, values)


def _orm() -> Call:
    session = Session(create_engine("sqlite://", poolclass=StaticPool))
    statement, values = text(STATEMENT.replace("?", ":name")), {"name": "x"}
    return lambda: session.execute(statement, values)


if __name__ == "__main__":
    for row in run():
        print(f"{row['name']:38} {row['microseconds']:6.2f} µs  [{row['low']:.2f}, {row['high']:.2f}]")
