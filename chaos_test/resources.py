"""What the app's processes hold, counted from outside: memory, descriptors, threads, and connections to others."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from pathlib import Path

EVERY_SECONDS = 1.0
SETTLE_SECONDS = 1.0  # after the load: connections that the clients closed are closed on this side too


class Resources:
    """Appends a line a process to `resources.jsonl`, at most once a second."""

    def __init__(self, run_dir: Path, pid: int | None) -> None:
        """`pid`: the app's first process, whose children count too; None where the app is not ours."""
        self._file = run_dir / "resources.jsonl"
        self._pid = pid
        self._next = 0.0

    def look(self) -> None:
        """Count, if it is time."""
        if self._pid is not None and time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_SECONDS
            self._count("during")

    def before(self) -> None:
        """Count before the first request."""
        if self._pid is not None:
            self._count("before")

    def after(self) -> None:
        """Count when the load is over and the app has had a moment to let go."""
        if self._pid is not None and psutil.pid_exists(self._pid):
            time.sleep(SETTLE_SECONDS)
            self._count("after")

    def _count(self, when: str) -> None:
        now = time.time()
        lines = [json.dumps({"t": now, "when": when, **held}) for held in map(_held, _family(self._pid)) if held]
        with self._file.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)


def _family(pid: int | None) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _held(process: psutil.Process) -> dict[str, Any]:
    """Empty for a process that has gone meanwhile."""
    try:
        with process.oneshot():
            held = {
                "pid": process.pid,
                "rss": process.memory_info().rss,
                "descriptors": process.num_fds(),
                "threads": process.num_threads(),
            }
        ends = process.net_connections(kind="inet")
    except psutil.Error:
        return {}
    listening = {end.laddr.port for end in ends if end.status == psutil.CONN_LISTEN}
    out = [end for end in ends if end.raddr and end.laddr.port not in listening]
    return held | {"connections": Counter(f"{end.raddr.ip}:{end.raddr.port}" for end in out)}
