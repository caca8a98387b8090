"""What the database seam costs a call that no rule is for.

In pairs inside one process, on a SQLite database in memory, which answers faster than any other. All seams are
installed, and the experiment has a rule for the seam that these calls do not match. `unkeyed`: no current request,
against no seam. `noted`: a call of a keyed request, looked up, timed, its site found and its note kept, against no
seam; this is the row that has the target. The figure is the median over the pairs, with the distribution-free interval
of a median, as a shared machine's interruptions are rare and large.
"""

from __future__ import annotations

import gc
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scipy.stats import binom
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from chaos_middleware import ChaosMiddleware
from chaos_middleware.carry import CARRY
from chaos_middleware.experiment import parse
from chaos_middleware.request import Request, current
from chaos_middleware.seams import SEAMS

PAIRS = 150
CALLS = 200
WARM_UP = 50  # what was patched a moment ago is slow at first, on both sides
TARGET = 2.0  # µs
HERE = Path(__file__).parent
RULE = {"name": "elsewhere", "seam": "database", "rate": 1, "match": {"table": ["else*"]}, "fault": {"type": "noop"}}
STATEMENT = "SELECT name FROM sqlite_master WHERE name = ?"
Call = Callable[[], object]


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
                rows.append({"name": f"database, {name}, unkeyed", **_difference(make, None)})
                rows.append({"name": f"database, {name}, noted", **_difference(make, request), "target": TARGET})
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


def _difference(make: Callable[[], Call], request: Request | None) -> dict[str, Any]:
    token = current.set(request)
    differences = []
    try:
        for pair in range(-3, PAIRS):  # the first ones warm up
            _switch("uninstall")
            without = _per_call(make(), request)
            _switch("install")
            difference = _per_call(make(), request) - without
            if pair >= 0:
                differences.append(difference)
    finally:
        current.reset(token)
    differences.sort()
    low = int(binom.ppf(0.025, PAIRS, 0.5))
    return {
        "microseconds": (differences[PAIRS // 2 - 1] + differences[PAIRS // 2]) / 2,
        "low": differences[low - 1],
        "high": differences[PAIRS - low],
    }


def _switch(how: str) -> None:
    for patches in (CARRY, *SEAMS):
        getattr(patches, how)()


def _per_call(call: Call, request: Request | None) -> float:
    """CPU microseconds of a call."""
    gc.collect()
    for _ in range(WARM_UP):
        call()
    started = time.thread_time()
    for _ in range(CALLS):
        call()
        if request is not None:
            request.calls.clear()  # a request makes a few calls, not thousands
    seconds = time.thread_time() - started
    return seconds / CALLS * 1e6


if __name__ == "__main__":
    for row in run():
        print(f"{row['name']:38} {row['microseconds']:6.2f} µs  [{row['low']:.2f}, {row['high']:.2f}]")
