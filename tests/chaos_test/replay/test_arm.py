"""Who is to blame where an arm's block does not end in time; what dies is told end to end, in `test_verify`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from chaos_test.replay.arm import AppError, Arm, longest_wait

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("key", "stage", "user", "started", "response_ms", "method", "name", "status")


@dataclass
class Late:
    """An arm with its run folder, whose third block began just now."""

    folder: Path
    rows: list[list[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("turns", "requests"):
            (self.folder / name).mkdir()
        turn = self.folder / "turns" / "turn-2"
        turn.touch()
        self.began = turn.stat().st_mtime

    def sent(self, key: str | None, seconds: float, *, after: float = 1.0) -> None:
        """A request that was answered so many seconds after it was sent, `after` the block began."""
        self.rows.append([key, "chaos", "User", self.began + after, seconds * 1000, "GET", "/", 200])
        head = {"version": 1, "columns": COLUMNS, "part": "local", "pid": 1, "started": self.began}
        text = "".join(json.dumps(line) + "\n" for line in (head, *self.rows))
        (self.folder / "requests" / "local.jsonl").write_text(text)

    def error(self) -> Exception:
        """What is said of it after 90 s."""
        return Arm("mine", cast("Any", None), self.folder, []).late(2, 90.0)


@pytest.fixture
def late(tmp_path: Path) -> Late:
    """An arm without processes."""
    return Late(tmp_path)


def test_an_app_that_keeps_a_user_waiting_is_to_blame(late: Late) -> None:
    """Most of the time of one of them, whatever the others do."""
    late.sent("0.4.1", 0.01)
    for step in range(5):
        late.sent(f"1.4.{step}", 10.0)
    error = late.error()
    assert isinstance(error, AppError)
    assert str(error) == "mine: block 3 did not end within 90 s: the app kept a user waiting for most of that time"


def test_whatever_else_is_late_says_nothing_of_the_app(late: Late) -> None:
    """Its answers came soon, to each user; what was before the block, or nobody's, does not count."""
    for user in range(20):
        late.sent(f"{user}.4.1", 4.0)
        late.sent(f"{user}.3.1", 80.0, after=-85.0)
        late.sent(None, 80.0)
    error = late.error()
    assert not isinstance(error, AppError)
    assert "within 90 s, and no answer shows that the app kept a user waiting for most of it" in str(error)


def test_before_the_first_answer_nobody_has_waited(late: Late) -> None:
    """A Locust that does not come to send anything."""
    assert longest_wait(late.folder, late.began) == 0.0
    assert not isinstance(late.error(), AppError)
