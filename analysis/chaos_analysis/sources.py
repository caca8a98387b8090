"""The app's own source as it was when it ran: the run folder's `sources/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Sources:
    """Source files below `root`, named by their path relative to the app's folder."""

    root: Path

    def text(self, path: str) -> str | None:
        """The whole text, line endings as they are; None for a file that was not kept or is not UTF-8."""
        file = (self.root / path).resolve()
        if not file.is_relative_to(self.root.resolve()):
            return None
        try:
            return file.read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            return None

    def files(self) -> tuple[str, ...]:
        """The kept Python files' paths, sorted."""
        return tuple(sorted(file.relative_to(self.root).as_posix() for file in self.root.rglob("*.py")))

    def requirements(self) -> tuple[str, ...]:
        """The kept requirements files' names, sorted."""
        return tuple(sorted(file.name for file in self.root.glob("requirements*.txt")))
