"""What the machine gave to others while a run went on: slow answers may be theirs, not the service's."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

import psutil

if TYPE_CHECKING:
    from pathlib import Path

EVERY_SECONDS = 0.5
_IDLE = ("idle", "iowait", "guest", "guest_nice")  # guests' time is part of user and nice


class _Spent(NamedTuple):
    """The time, and the processor seconds of the whole machine and of this run, each since it began."""

    at: float
    machine: float
    run: float


class Neighbours:
    """Appends a line to `neighbours.jsonl`, at most twice a second.

    The run is this process and all that it has started: the app, its services, Locust. All else are its neighbours.
    """

    def __init__(self, run_dir: Path, *, ours: bool) -> None:
        """`ours`: the app is of this run; else it would be counted as a neighbour, and nothing is told."""
        self._file = run_dir / "neighbours.jsonl"
        self._before = _spent() if ours else None
        self._late = 0.0

    def sleep(self, seconds: float) -> None:
        """Sleep, and count by how much it was too long: whoever stalls the machine stalls this process too."""
        asleep = time.monotonic()
        time.sleep(seconds)
        self._late += time.monotonic() - asleep - seconds

    def look(self) -> None:
        """Read the clocks, if it is time."""
        if self._before is None or time.monotonic() - self._before.at < EVERY_SECONDS:
            return
        now, before = _spent(), self._before
        run = max(0.0, now.run - before.run)
        line = {
            "t": round(time.time(), 3),
            "seconds": round(now.at - before.at, 3),
            "cores": psutil.cpu_count() or 1,
            "run": round(run, 3),
            "others": round(max(0.0, now.machine - before.machine - run), 3),
            "late": round(self._late, 3),
        }
        self._before, self._late = now, 0.0
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _spent() -> _Spent:
    machine = psutil.cpu_times()._asdict()
    busy = sum(seconds for name, seconds in machine.items() if name not in _IDLE)
    this = psutil.Process()
    return _Spent(time.monotonic(), busy, sum(map(_of_process, [this, *this.children(recursive=True)])))


def _of_process(process: psutil.Process) -> float:
    """Its own, and those of children that have ended."""
    try:
        return sum(process.cpu_times()[:4])
    except psutil.Error:
        return 0.0
