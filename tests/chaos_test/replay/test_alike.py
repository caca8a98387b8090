"""Arms with the same code whose calls have other names end the replay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_test.errors import ChaosTestError
from chaos_test.replay import alike
from tests.chaos_analysis.outcomes.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_asked_after_the_first_blocks_and_names_the_calls(tmp_path: Path) -> None:
    """Of runs that still go on: their last lines may be cut short. Later nothing is gained by ending."""
    sides = Folder(tmp_path / "base"), Folder(tmp_path / "placebo")
    for side, key in zip(sides, ("ab:item", "cd:item"), strict=True):
        for _ in range(6):
            side.request().call(target=f"GET 127.0.0.1 {key}", seam="cache").end()
        side.evidence()
        for part in ("faults/1-1.jsonl", "requests/local.jsonl"):
            text = (side.path / part).read_text()
            (side.path / part).write_text(text[:-9])
    after = alike.between(*(side.path for side in sides))
    for block in (0, 1):
        with pytest.raises(ChaosTestError, match=r"ab:item, in the other cache GET 127\.0\.0\.1 cd:item"):
            after(block)
    after(2)
