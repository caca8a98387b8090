"""A checked answer: what the patched code takes for bad, and when the patch is proposed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.raise_for_status import RaiseForStatus
from chaos_analysis.fixes.validate_body import ValidateBody
from chaos_analysis.model import Site
from tests.chaos_analysis.fixes.flaky import Dependency, running
from tests.chaos_analysis.fixes.seen import evidence, pattern

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """\
import requests
from flask import Flask

app = Flask(__name__)


@app.errorhandler(502)
def bad(error):
    return {"error": error.description}, 502


@app.get("/price")
def price():
    answer = requests.get(URL)
    stock = answer.json()
    extra = stock["extra"] if stock["price"] > 3 else 0
    return {"price": stock["price"] + extra}
"""
LINE = 14


def _asked(status: int, body: bytes) -> tuple[int, Any]:
    Dependency.now = status, body
    with running(ValidateBody().edit(SOURCE, Spot(line=LINE, method="GET", flask=True))) as names:
        answer = names["app"].test_client().get("/price")
    return answer.status_code, answer.json


def test_a_good_answer_is_used_as_before() -> None:
    """Keys that are needed only sometimes may be missing."""
    assert _asked(200, b'{"price": 3}') == (200, {"price": 3})
    assert _asked(200, b'{"price": 4, "extra": 1}') == (200, {"price": 5})


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b'{"price": 3}'), (404, b'{"price": 3}'), (200, b"<h1>"), (200, b'["price"]'), (200, b'{"cost": 3}')],
)
def test_a_bad_answer_is_told_by_the_apps_own_handler(status: int, body: bytes) -> None:
    """An error status, a body that is no JSON, none of an object, or one without a needed key is a 502."""
    assert _asked(status, body) == (502, {"error": "A service that this one needs gave a bad answer."})


def _run(folder: Path, finder: str, fault: str) -> Any:
    (folder / "shop.py").write_text(SOURCE)
    return evidence(folder, [pattern(finder, Site("shop.py", LINE, "price"), faults=(fault,))])


@pytest.mark.parametrize(("finder", "fault"), [("unchecked_body", "garbage_body"), ("wrong_content", "http_error")])
def test_a_bad_answer_that_was_used_asks_for_a_check(tmp_path: Path, finder: str, fault: str) -> None:
    """It comes with status, body and key, and the plain check of the status is not proposed beside it."""
    run = _run(tmp_path, finder, fault)
    (found,) = ValidateBody().propose(run)
    assert '+    stock = checked(answer, "price")' in found.diff
    assert found.automatic
    assert list(RaiseForStatus().propose(run)) == []


def test_an_error_of_the_call_itself_asks_for_none(tmp_path: Path) -> None:
    """A reset that comes out as a wrong answer is none of the body's business."""
    assert list(ValidateBody().propose(_run(tmp_path, "wrong_content", "connection_reset"))) == []


def test_a_bad_status_that_is_an_error_already_asks_for_none(tmp_path: Path) -> None:
    """Whoever handles that error made up the answer; of a bad body the status says nothing."""
    line = SOURCE.splitlines()[LINE - 1]
    raising = SOURCE.replace(line, f"{line}\n{line.partition('answer')[0]}answer.raise_for_status()", 1)
    for faults, proposals in ((("http_error",), 0), (("http_error", "truncated_body"), 1)):
        run = _run(tmp_path, "wrong_content", faults[0])
        (tmp_path / "shop.py").write_text(raising)
        run = replace(run, patterns=[replace(run.patterns[0], faults=faults)])
        assert len(list(ValidateBody().propose(run))) == proposals
