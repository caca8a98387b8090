"""A call moved out of a lock: what happens to the others meanwhile, and when it is proposed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.outside_lock import OutsideLock
from chaos_analysis.model import Proposal, Site
from tests.chaos_analysis.fixes.seen import evidence, pattern

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """\
import requests


def items():
    with lock:
        visits.append("items")
        answer = requests.get(URL)
    return answer
"""


class _Requests:
    """Stands in for the library: notes whether the lock is held while a call is made."""

    def __init__(self, lock: threading.Lock) -> None:
        self.lock, self.held = lock, True

    def get(self, url: str) -> str:
        self.held = self.lock.locked()
        return url


def test_the_lock_is_free_while_the_call_is_made() -> None:
    """What stands before the call still has the lock, the call has not, and its answer is used as before."""
    lock = threading.Lock()
    visits: list[tuple[str, bool]] = []
    noted = type("Visits", (), {"append": lambda _, what: visits.append((what, lock.locked()))})()
    names: dict[str, Any] = {"lock": lock, "visits": noted, "URL": "there"}
    exec(compile(OutsideLock().edit(SOURCE, Spot(line=7, method="GET")), "shop.py", "exec"), names)
    names["requests"] = library = _Requests(lock)
    assert names["items"]() == "there"
    assert visits == [("items", True)]
    assert not library.held


def _proposed(folder: Path, source: str, line: int) -> list[Proposal]:
    (folder / "shop.py").write_text(source)
    return list(
        OutsideLock().propose(evidence(folder, [pattern("head_of_line_blocking", Site("shop.py", line, "items"))]))
    )


def test_people_decide_what_the_lock_is_for(tmp_path: Path) -> None:
    """The patch marks one place, and is none to be applied unseen."""
    (found,) = _proposed(tmp_path, SOURCE, 7)
    assert found.diff.count("# chaos-test: decide") == 1
    assert not found.automatic


def test_a_call_that_holds_nothing_is_left_to_words(tmp_path: Path) -> None:
    """What the requests share is not in the source then."""
    assert _proposed(tmp_path, SOURCE.replace("with lock", "with place"), 7) == []
