"""The stage that a run is in, for those who see no header: a file that the command writes and the proxy reads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FIRST = "baseline"  # until the load says otherwise
_NAME = "stage"


class Stage:
    """`stage` in the run folder; as old as the command's last look at the load, about a second."""

    def __init__(self, run_dir: Path) -> None:
        self._file = run_dir / _NAME
        self._written = ""
        self._read = (FIRST, -1.0)

    def tell(self, stage: str) -> None:
        """Write it, if it is another one."""
        if stage and stage != self._written:
            part = self._file.with_name(f".{_NAME}.part")
            part.write_text(stage, encoding="utf-8")
            part.replace(self._file)
            self._written = stage

    def now(self) -> str:
        """Read it, if it was written since."""
        try:
            changed = os.stat(self._file).st_mtime  # noqa: PTH116 - for every connection: half the time
            if changed != self._read[1]:
                self._read = (self._file.read_text(encoding="utf-8"), changed)
        except OSError:
            pass
        return self._read[0]
