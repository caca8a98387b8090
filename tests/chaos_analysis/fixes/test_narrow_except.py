"""When a broad `except` is said to hide a dependency's errors, and what is then proposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_analysis.fixes.narrow_except import NarrowExcept
from chaos_analysis.fixes.validate_body import ValidateBody
from chaos_analysis.model import Site
from tests.chaos_analysis.fixes.seen import evidence, pattern

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Proposal

SOURCE = """\
import requests


def price():
    try:
        return requests.get(URL).json()["price"]
    except {}:
        return 0
"""


def _proposed(folder: Path, taken: str, finder: str = "wrong_content") -> list[Proposal]:
    (folder / "shop.py").write_text(SOURCE.format(taken))
    return list(NarrowExcept().propose(evidence(folder, [pattern(finder, Site("shop.py", 6, "price"))])))


@pytest.mark.parametrize("taken", ["Exception", "BaseException", "(KeyError, Exception) as error"])
def test_a_made_up_answer_is_taken_out_and_people_decide_on_another(tmp_path: Path, taken: str) -> None:
    """The patch marks one place, and is none to be applied unseen."""
    (found,) = _proposed(tmp_path, taken)
    assert found.diff.count("+        # chaos-test: decide") == 1
    assert "-        return 0" in found.diff
    assert not found.automatic


def test_what_is_not_hidden_by_a_broad_except_is_left(tmp_path: Path) -> None:
    """Neither a narrow except nor a failure that was told asks for it."""
    assert _proposed(tmp_path, "requests.RequestException") == []
    assert _proposed(tmp_path, "Exception", "dependency_error") == []


CLIENT = """\
import requests


def fetch():
    answer = requests.get(URL)
    answer.raise_for_status()
    return answer.json()
"""
ROUTES = """\
from flask import Blueprint

from client import fetch

bp = Blueprint("shop", __name__)


@bp.get("/price")
def price():
    try:
        return fetch()
    except Exception:
        return {{"price": 0}}
{}"""
ELSEWHERE = """\


def stock():
    try:
        return fetch()
    except Exception:
        return {"stock": 0}
"""
CALL = Site("client.py", 5, "fetch")


def _run(folder: Path, more: str = "") -> Evidence:
    (folder / "client.py").write_text(CLIENT)
    (folder / "routes.py").write_text(ROUTES.format(more))
    (folder / "app.py").write_text("from flask import Flask\n\napp = Flask(__name__)\n")
    return evidence(folder, [pattern("wrong_content", CALL, faults=("truncated_body",))])


def test_the_except_around_who_calls_the_calls_function_is_named_and_narrowed(tmp_path: Path) -> None:
    """A check beside the call, which that `except` would swallow, is not proposed."""
    run = _run(tmp_path)
    (found,) = NarrowExcept().propose(run)
    assert (found.file, found.line, found.function) == ("routes.py", 12, "price")
    assert "routes.py:12" in found.why
    assert "+    except requests.RequestException as error:" in found.diff
    assert list(ValidateBody().propose(run)) == []


def test_of_two_that_may_have_swallowed_it_none_is_named(tmp_path: Path) -> None:
    """Who called is not recorded, and a guess is not made: the check, which is right in any case, is proposed."""
    run = _run(tmp_path, ELSEWHERE)
    assert list(NarrowExcept().propose(run)) == []
    assert "checked(answer" in next(iter(ValidateBody().propose(run))).diff


def test_an_except_that_raises_swallows_nothing(tmp_path: Path) -> None:
    """The error came out: what looked fine was something else."""
    run = _run(tmp_path)
    routes = tmp_path / "routes.py"
    routes.write_text(routes.read_text().replace('return {"price": 0}', "raise"))
    assert list(NarrowExcept().propose(run)) == []
