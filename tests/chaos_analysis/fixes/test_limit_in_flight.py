"""A limit of requests under way, at work between threads, and when it is proposed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.limit_in_flight import LimitInFlight
from chaos_analysis.model import Proposal, Site
from tests.chaos_analysis.fixes.seen import evidence, pattern

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

SOURCE = """\
import threading

from flask import Flask

app = Flask(__name__)
inside, may = threading.Semaphore(0), threading.Event()


@app.errorhandler(503)
def busy(error):
    return {"error": error.description}, 503, {"Retry-After": str(error.retry_after)}


@app.get("/slow")
def slow():
    inside.release()
    may.wait(20)
    return {}


@app.get("/broken")
def broken():
    raise KeyError
"""


def test_what_is_too_much_is_refused_at_once_and_room_comes_back() -> None:
    """Two are in hand, the third is told to come again by the app's own handler; then there is room as before."""
    names: dict[str, Any] = {"__name__": "shop"}
    exec(compile(LimitInFlight().edit(SOURCE, Spot(in_flight=2)), "shop.py", "exec"), names)

    def ask(path: str) -> TestResponse:
        client: FlaskClient = names["app"].test_client()
        return client.get(path)

    assert [ask("/broken").status_code for _ in range(3)] == [500] * 3
    assert [ask("/none").status_code for _ in range(3)] == [404] * 3
    with ThreadPoolExecutor(2) as threads:
        under_way = [threads.submit(ask, "/slow") for _ in range(2)]
        inside: threading.Semaphore = names["inside"]
        assert all(inside.acquire(timeout=10) for _ in under_way)
        refused = ask("/slow")
        assert (refused.status_code, refused.json) == (503, {"error": "Too many requests at a time."})
        assert refused.headers["Retry-After"] == "1"
        names["may"].set()
        assert [each.result(10).status_code for each in under_way] == [200, 200]
    assert [ask("/slow").status_code for _ in range(3)] == [200] * 3


def _proposed(
    folder: Path, kind: str, *, n: int = 100, source: str = SOURCE, crowd: int = 50, workers: int = 1
) -> list[Proposal]:
    """`crowd`: so many requests are under way at a time when they fail beside faults."""
    (folder / "shop.py").write_text(source)
    found = pattern("collateral", None, id=f"collateral:{kind}:GET /slow", endpoint="GET /1")
    made = {f"GET /{each}": [Site("shop.py", 15, "slow")] for each in range(20)}
    seen = evidence(folder, [found], made=made, n=n, run={"app": {"git_prefix": "", "workers": workers}})
    failed = [(f"c.{at}", "GET /1", "chaos", 100 + at / 10, 100.0 * crowd, True, False) for at in range(200)]
    rows = pd.DataFrame(failed, columns=seen.tables.requests.columns)
    tables = replace(seen.tables, requests=pd.concat([seen.tables.requests, rows], ignore_index=True))
    return list(LimitInFlight().propose(replace(seen, tables=tables)))


def test_the_limit_is_what_is_under_way_at_rest_and_some_more(tmp_path: Path) -> None:
    """Ten requests of 50 ms at a time, 3 √10 more, rounded up."""
    (found,) = _proposed(tmp_path, "beside")
    assert "+slots = BoundedSemaphore(20)" in found.diff
    assert found.automatic


def test_what_fails_where_nobody_waits_is_not_mended_by_a_limit(tmp_path: Path) -> None:
    """What others' faults left behind fails whoever comes, however few they are."""
    assert _proposed(tmp_path, "beside", crowd=15) == []
    assert _proposed(tmp_path, "beside", crowd=22)
    assert _proposed(tmp_path, "beside", crowd=22, workers=4) == []
    assert _proposed(tmp_path, "beside", crowd=50, workers=4)


def test_a_bug_of_the_apps_own_is_not_refused(tmp_path: Path) -> None:
    """What fails at rest needs no limit; nor is there one without figures, or without a place that makes the app."""
    assert _proposed(tmp_path, "own") == []
    assert _proposed(tmp_path, "beside", n=1) == []
    assert _proposed(tmp_path, "beside", source=SOURCE.replace("app = Flask", "app = make")) == []
