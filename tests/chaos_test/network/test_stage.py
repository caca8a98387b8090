"""The run's stage in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_test.network.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_told_is_read(tmp_path: Path) -> None:
    """By another process as by this one; before anything is told it is the fault-free one."""
    teller, reader = Stage(tmp_path), Stage(tmp_path)
    assert reader.now() == "baseline"
    for stage in ("chaos", "", "recovery"):
        teller.tell(stage)
        assert reader.now() == (stage or "chaos")
