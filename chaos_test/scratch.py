"""Temporary folders that go when the command ends, however it ends; `chaos-test clean` removes what outlives even that.

Who made one holds a lock on a file in it: the system gives that back when a process dies, so no process number that
somebody else has by now is ever taken for an owner.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_test.reaper import Reaper

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "chaos-test-"
OWNER = ".chaos-test-owner"


@dataclass(frozen=True)
class Scratch:
    """A folder that is this process's as long as it lives."""

    path: Path
    _lock: int

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def make(reaper: Reaper) -> Scratch:
    """A new folder, which the reaper removes if this process cannot."""
    path = Path(tempfile.mkdtemp(prefix=PREFIX))
    reaper.tell("folder", path)
    begun = path / f"{OWNER}.part"
    lock = os.open(begun, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    begun.rename(path / OWNER)  # it never has this name without the lock
    return Scratch(path, lock)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for as long as the `with` block lasts."""
    reaper = Reaper()
    made = make(reaper)
    try:
        yield made.path
    finally:
        made.remove()
        reaper.close()


def is_owned(folder: Path) -> bool | None:
    """Whether the process that made a folder lives; None where nobody can tell, for it has no lock's file."""
    try:
        lock = os.open(folder / OWNER, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False
