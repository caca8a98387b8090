"""A tiny process that outlives the command and ends what it started, even after `kill -9`.

The command writes lines to its pipe: `group N`, `gone N`, `folder PATH`. When the pipe closes, for whatever reason, the
groups that are left get SIGTERM, two seconds later SIGKILL, and the temporary folders go. Run as a script with `-I -S`:
standard library only, and up in a few milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

GRACE_SECONDS = 2.0
REMOVE_SECONDS = 15.0


class Reaper:
    """The command's side: tell it what lives; `close` ends what is still listed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own file in our own interpreter
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def tell(self, what: str, value: int | Path) -> None:
        """Send one line; a reaper that somebody killed is no reason to fail a run."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            os.write(self._process.stdin.fileno(), f"{what} {value}\n".encode())

    def close(self) -> None:
        """Close the pipe and wait until everything listed is gone."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def end_group(group: int, number: int) -> bool:
    """Send a signal to a process group; False where there is none any more."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _listen(lines: Iterable[str]) -> tuple[list[int], list[str]]:
    groups: list[int] = []
    folders: list[str] = []
    for line in lines:
        what, _, value = line.rstrip("\n").partition(" ")
        if what == "group":
            groups.append(int(value))
        elif what == "gone" and int(value) in groups:
            groups.remove(int(value))
        elif what == "folder":
            folders.append(value)
    return groups, folders


def _main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups, folders = _listen(sys.stdin)
    groups = [group for group in groups if end_group(group, signal.SIGTERM)]
    until = time.monotonic() + GRACE_SECONDS
    while groups and time.monotonic() < until:
        time.sleep(0.05)
        groups = [group for group in groups if end_group(group, 0)]
    for group in groups:
        end_group(group, signal.SIGKILL)
    _remove(folders)


def _remove(folders: list[str]) -> None:
    """Again and again, for somebody else's processes, which another reaper ends, may still write there."""
    until = time.monotonic() + REMOVE_SECONDS
    while folders and time.monotonic() < until:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        folders = [folder for folder in folders if os.path.lexists(folder)]
        if folders:
            time.sleep(0.1)


if __name__ == "__main__":
    _main()
