"""A part of a ledger that goes on: what an app wrote between two moments, as a run folder of its own.

An app that serves several tests, or was there before, keeps one ledger; a seed gives the same ids each time.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HEADS = ("open", "plan")


class Slice:
    """Marks where the ledger in a folder stands now; `take` copies what was added since, and marks again."""

    def __init__(self, run_dir: Path) -> None:
        self._faults = run_dir / "faults"
        self._marks = self._sizes()

    def take(self, into: Path) -> None:
        """Write the new records to `into`, with the plans that they refer to, for each process that wrote any."""
        sizes = self._sizes()
        into.mkdir(parents=True, exist_ok=True)
        for file, size in sizes.items():
            mark = self._marks.get(file, 0)
            if size > mark:
                with file.open("rb") as stream:
                    before, new = stream.read(mark), stream.read(size - mark)
                heads = (
                    []
                    if file.suffix == ".reached"
                    else [line for line in before.splitlines(keepends=True) if _is_head(line)]
                )
                (into / file.name).write_bytes(b"".join([*heads, new]))
        self._marks = sizes

    def _sizes(self) -> dict[Path, int]:
        return {file: file.stat().st_size for file in self._faults.glob("*.*")}


def _is_head(line: bytes) -> bool:
    try:
        return json.loads(line)["kind"] in _HEADS
    except (ValueError, KeyError, TypeError):
        return False
