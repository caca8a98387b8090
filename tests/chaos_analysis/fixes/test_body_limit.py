"""A limit of bodies, at work in Flask, and when it is proposed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.body_limit import BodyLimit
from tests.chaos_analysis.fixes.seen import evidence, pattern

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient

    from chaos_analysis.model import Proposal

MIB = 1 << 20
SOURCE = """\
from flask import Flask, request

app = Flask(__name__)


@app.errorhandler(413)
def too_long(error):
    return {"error": "too long"}, 413


@app.post("/orders")
def order():
    return {"length": len(request.get_data())}
"""


@pytest.fixture
def shop() -> FlaskClient:
    """A client of the app with the limit."""
    names: dict[str, Any] = {"__name__": "shop"}
    exec(compile(BodyLimit().edit(SOURCE, Spot()), "shop.py", "exec"), names)
    client: FlaskClient = names["app"].test_client()
    return client


@pytest.mark.parametrize(("more", "status", "body"), [(0, 200, {"length": MIB}), (1, 413, {"error": "too long"})])
def test_a_byte_beyond_it_is_answered_by_the_apps_own_handler(
    shop: FlaskClient, more: int, status: int, body: dict[str, Any]
) -> None:
    """One mebibyte is as much as there may be."""
    answer = shop.post("/orders", data=b" " * (MIB + more))
    assert (answer.status_code, answer.json) == (status, body)


def test_a_body_in_chunks_is_read_no_further(shop: FlaskClient) -> None:
    """It does not say how long it is."""
    chunks = {"headers": {"Transfer-Encoding": "chunked"}, "environ_overrides": {"wsgi.input_terminated": True}}
    body = io.BytesIO(b" " * 3 * MIB)
    shop.post("/orders", input_stream=body, **chunks)
    assert body.tell() == MIB


def _proposed(
    folder: Path, source: str, finder: str = "unbounded_body", bodies: tuple[int, ...] = ()
) -> list[Proposal]:
    (folder / "shop.py").write_text(source)
    found = [
        pattern(finder, None, id=f"{finder}:POST /{each}", seam="wsgi", failures=0) for each in ("orders", "bills")
    ]
    return list(BodyLimit().propose(evidence(folder, found, run={"app": {"target": "shop:app"}}, bodies=bodies)))


def test_one_patch_serves_all_endpoints(tmp_path: Path) -> None:
    """Below the line that makes the app."""
    (found,) = _proposed(tmp_path, SOURCE)
    assert found.patterns == ("unbounded_body:POST /orders", "unbounded_body:POST /bills")
    assert (found.line, found.automatic) == (3, True)
    assert ' app = Flask(__name__)\n+app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024' in found.diff


def test_of_several_apps_it_is_the_one_that_was_served(tmp_path: Path) -> None:
    """By its module."""
    (tmp_path / "admin.py").write_text("from flask import Flask\n\napp = Flask('admin')\n")
    assert [each.file for each in _proposed(tmp_path, SOURCE)] == ["shop.py"]


def test_an_app_that_takes_uploads_leaves_it_to_people(tmp_path: Path) -> None:
    """The patch is there, and somebody must look at it."""
    (found,) = _proposed(tmp_path, SOURCE + "\n\ndef photo():\n    return request.files['photo']\n")
    assert found.diff
    assert not found.automatic


def test_an_app_that_is_not_flasks_is_told_in_words(tmp_path: Path) -> None:
    """With the reason."""
    (found,) = _proposed(tmp_path, "import bottle\n\napp = bottle.Bottle()\n")
    assert (found.diff, found.why_no_diff) == ("", "no single place in the source that ran makes an app of Flask")


def test_nothing_is_proposed_where_there_is_a_limit_or_no_finding(tmp_path: Path) -> None:
    """A limit of the app's own is respected, however high it is."""
    assert _proposed(tmp_path, SOURCE + 'app.config["MAX_CONTENT_LENGTH"] = 1 << 30\n') == []
    assert _proposed(tmp_path, SOURCE, finder="collateral") == []


@pytest.mark.parametrize(
    ("bodies", "limit"),
    [((), ""), ((0, 200), ""), ((200, MIB // 4), ""), ((MIB // 4 + 1,), "2 * "), ((3 * MIB, 10), "16 * ")],
)
def test_good_bodies_have_four_times_the_room_that_they_take(
    tmp_path: Path, bodies: tuple[int, ...], limit: str
) -> None:
    """At least a mebibyte; and people are told what was seen."""
    (found,) = _proposed(tmp_path, SOURCE, bodies=bodies)
    assert f'["MAX_CONTENT_LENGTH"] = {limit}1024 * 1024  #' in found.diff
    assert ("has not noted how long good bodies are" in found.caution) is not any(bodies)
