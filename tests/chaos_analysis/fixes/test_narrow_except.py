"""When a broad `except` is said to hide a dependency's errors, and what is then proposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_analysis.fixes.narrow_except import NarrowExcept
from chaos_analysis.model import Site
from tests.chaos_analysis.fixes.seen import evidence, pattern

if TYPE_CHECKING:
    from pathlib import Path

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
