"""The app's own source as it was when it ran: the run folder's `sources/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ABOVE = ".above"  # the folder of the copies that are of one folder above the app's


@dataclass(frozen=True)
class Sources:
    """Source files below `root`, named by their path relative to the app's folder, as `../pyproject.toml`.

    `package`: the package or module that was served, where that is known. Beside it may lie others, with apps of their
    own.
    """

    root: Path
    package: str = ""

    @classmethod
    def of_run(cls, folder: Path, run: Mapping[str, Any]) -> Sources:
        """Those in `folder`, of the app that `run`, its run.json, names."""
        target = str((run.get("app") or {}).get("target") or "")
        return cls(folder, target.partition(":")[0].partition(".")[0])

    def text(self, path: str) -> str | None:
        """The whole text, line endings as they are; None for a file that was not kept or is not UTF-8."""
        above = path.removeprefix("../")
        file = (self.root / (path if above == path else f"{ABOVE}/{above}")).resolve()
        if not file.is_relative_to(self.root.resolve()):
            return None
        try:
            return file.read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            return None

    def files(self) -> tuple[str, ...]:
        """The kept Python files' paths, sorted: those of what was served, all where none is."""
        found = sorted(file.relative_to(self.root).as_posix() for file in self.root.rglob("*.py"))
        return tuple(file for file in found if self.package in file.removesuffix(".py").split("/")) or tuple(found)

    def requirements(self) -> tuple[str, ...]:
        """The kept requirements files, sorted; those of the folder above the app's follow its own."""
        own = sorted(file.name for file in self.root.glob("requirements*.txt"))
        above = sorted(file.name for file in (self.root / ABOVE).glob("requirements*.txt"))
        return (*own, *(f"../{name}" for name in above))
