"""Where a test's lines go: straight to disk, or by post to the master, which has the disk."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any, Protocol

from chaos_locust.mapped import MappedFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_MAIL = "chaos_lines"


class Folder(Protocol):
    """The folder `requests/` of a test, as seen by one process."""

    def part(self, name: str) -> Callable[[bytes], object]:
        """What appends a line to a file of this process alone."""

    def shared(self, name: str) -> Callable[[bytes], object]:
        """What appends a line to a file that other processes append to as well."""

    def close(self) -> None:
        """Close the files."""


class Disk:
    """Appends to files here; raises OSError where the disk is full."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._parts: list[MappedFile] = []
        self._shared: dict[str, int] = {}

    def part(self, name: str) -> Callable[[bytes], object]:
        """Rows are many, so their file is mapped."""
        file = MappedFile(self.path / name)
        self._parts.append(file)
        return file.append

    def shared(self, name: str) -> Callable[[bytes], object]:
        """One write a line, so that lines of several processes stay whole."""
        if name not in self._shared:
            self._shared[name] = os.open(self.path / name, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
        return functools.partial(_append, self._shared[name])

    def close(self) -> None:
        """Close the files."""
        for part in self._parts:
            part.close()
        for file in self._shared.values():
            os.close(file)
        self._parts.clear()
        self._shared.clear()


class Post:
    """Collects lines until Locust reports to the master, every 3 s and at the end."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, bytes]] = []

    def part(self, name: str) -> Callable[[bytes], object]:
        """What puts a line into the next report."""
        return lambda line: self._lines.append((name, line))

    shared = part

    def report(self, data: dict[str, Any]) -> None:
        """Locust's `report_to_master` event."""
        texts: dict[str, str] = {}
        for name, line in self._lines:
            texts[name] = texts.get(name, "") + line.decode()
        self._lines.clear()
        data[_MAIL] = texts

    def close(self) -> None:
        """Nothing is open."""


def deliver(data: dict[str, Any], disk: Disk) -> None:
    """Write a worker's post to the master's disk (Locust's `worker_report` event)."""
    for name, text in data.get(_MAIL, {}).items():
        disk.shared(name)(text.encode())


def shares_disk(master_host: str, path: Path) -> bool:
    """Whether a worker of this master can write the master's files itself: only where both are on one machine."""
    return master_host in _LOOPBACK and path.is_dir()


def _append(file: int, line: bytes) -> None:
    if os.write(file, line) != len(line):
        raise OSError("the disk took only a part of the row")
