"""A wait for a pool's connection that ends: at work, and proposed for an app of several files."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.pool_timeout import PoolTimeout
from tests.chaos_analysis.fixes.made_up import pattern, proposed

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_analysis.model import Proposal

APP = """\
from flask import Flask
from sqlalchemy import create_engine, text

engine = create_engine(URL, pool_size=1, max_overflow=0)
app = Flask(__name__)


@app.get("/")
def index():
    with engine.connect() as connection:
        return str(connection.execute(text("SELECT 1")).scalar())
"""
HANDLERS = (
    "def init_app(app):\n    app.register_error_handler(404, _missing)\n\n\ndef _missing(error):\n    return '', 404\n"
)
ENGINE = "from sqlalchemy import create_engine\n\nengine = create_engine(URL)\n"


def _proposed(folder: Path, healthy: int, waited: int = 0, deadline: float | None = 10.0) -> list[Proposal]:
    calls = [{"target": "CHECKOUT postgresql", "key": f"2.2.{n}", "seconds": 1.0} for n in range(waited)]
    answers = [{"key": f"1.1.{n}", "seconds": 0.3} for n in range(healthy)]
    answers += [{"key": f"2.2.{n}", "seconds": 1.3} for n in range(waited)]
    found = pattern("pool_wait", "shop.py", 1)
    return proposed(folder, "pool_timeout", found, calls=calls, answers=answers, deadline=deadline)


def test_who_finds_no_connection_is_told_so_soon(tmp_path: Path) -> None:
    """With the pool's one connection taken the patched app answers 503 in its limit; with it back, 200."""
    names: dict[str, Any] = {"__name__": "shop", "URL": f"sqlite:///{tmp_path / 'shop.db'}"}
    exec(compile(PoolTimeout().edit(APP, Spot(line=4, timeout=(0.2, 0.2))), "shop.py", "exec"), names)
    client = names["app"].test_client()
    with names["engine"].connect():
        started = time.monotonic()
        answer = client.get("/")
        assert 0.2 <= time.monotonic() - started < 5.0  # SQLAlchemy's own is 30 s
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert client.get("/").status_code == 200
    names["engine"].dispose()


def test_engine_and_handlers_of_two_files_change_in_one_patch(tmp_path: Path) -> None:
    """The limit stands where the engine is made, the answer among the app's handlers."""
    (tmp_path / "store.py").write_text(ENGINE)
    (tmp_path / "errors.py").write_text(f"import logging\n\n\n{HANDLERS}")
    (found,) = _proposed(tmp_path, 400)
    assert (found.file, found.automatic) == ("store.py", True)
    assert "+engine = create_engine(URL, pool_timeout=0.6)" in found.diff
    assert "+    app.register_error_handler(exc.TimeoutError, _no_free_connection)" in found.diff


def test_requests_that_waited_for_a_connection_do_not_count_as_healthy(tmp_path: Path) -> None:
    """100 that waited a second beside a fault change nothing about the limit, which is from the others."""
    (tmp_path / "store.py").write_text(ENGINE)
    (found,) = _proposed(tmp_path, 400, waited=100)
    assert "pool_timeout=0.6" in found.diff
    assert "400 requests that met no fault" in found.why


def test_without_a_place_for_the_handler_people_must_write_it(tmp_path: Path) -> None:
    """No file makes the app: the engine's limit alone would be a 500, so the patch is none to apply unseen."""
    (tmp_path / "store.py").write_text(ENGINE)
    (found,) = _proposed(tmp_path, 400)
    assert found.diff
    assert not found.automatic
    assert "yours to write" in found.what


def test_too_few_requests_or_too_little_time_give_no_limit(tmp_path: Path) -> None:
    """71 requests support no figure; a client that waits half a second is served by none."""
    (tmp_path / "store.py").write_text(ENGINE)
    (few,) = _proposed(tmp_path, 71)
    (late,) = _proposed(tmp_path, 400, deadline=0.5)
    assert not few.diff
    assert "need 72" in (few.why_no_diff or "")
    assert not late.diff
    assert "no limit serves both" in (late.why_no_diff or "")
