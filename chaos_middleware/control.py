"""The safety limits: kill switch, lease, budget; and the sleep that a kill switch wakes.

No thread and no timer: limits are looked at when a fault is about to act, and by every sleeper ten times a second,
which holds under threads, greenlets and forks alike.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from chaos_middleware.experiment import Safety

SLICE_SECONDS = 0.1


def unpatched(module: str, name: str) -> Callable[..., Any]:
    """A function of the standard library as it was before gevent patched it; `time.sleep` then stalls the worker.

    gevent is not imported for it: where the app has not, nothing is patched.
    """
    get_original = getattr(sys.modules.get("gevent.monkey"), "get_original", None)
    original: Callable[..., Any]
    original = getattr(import_module(module), name) if get_original is None else get_original(module, name)
    return original


class Control:
    """Whether a fault may act now. `clock` is wall time (a lease is a file's mtime)."""

    def __init__(self, safety: Safety, run_dir: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._safety = safety
        self._clock = clock
        self._kill_file = str(run_dir / "kill") if run_dir else None
        self._lease_file = str(run_dir / "lease") if run_dir else None
        self._leased = False
        self._killed = False
        self._lock = threading.Lock()
        self._acted = 0
        self._at_once = 0

    def stop(self) -> None:
        """Stop every fault of this process for good; wakes sleepers."""
        self._killed = True

    def kill(self) -> None:
        """Stop every fault of this process, and those of the run's other processes through the kill file."""
        self.stop()
        if self._kill_file is not None:
            with suppress(OSError):  # a signal handler calls this, in the middle of the app's own code
                Path(self._kill_file).touch()

    def stopped(self) -> str | None:
        """`killed` or `lease` when no fault may act any more, else None."""
        if self._killed or (self._kill_file is not None and os.path.exists(self._kill_file)):
            return "killed"
        if self._lease_file is not None:
            try:
                age = self._clock() - os.stat(self._lease_file).st_mtime
            except OSError:
                return "lease" if self._leased else None  # a run that never had this file has no lease
            self._leased = True
            if age > self._safety.lease_seconds:
                return "lease"
        return None

    def admit(self) -> str | None:
        """Count one fault in, or say why it may not act: `killed`, `lease`, `budget`, `concurrent`. `release` counts
        it out.
        """
        reason = self.stopped()
        if reason is not None:
            return reason
        with self._lock:
            if self._acted >= self._safety.max_faults:
                return "budget"
            if self._at_once >= self._safety.max_concurrent:
                return "concurrent"
            self._acted += 1
            self._at_once += 1
        return None

    def release(self) -> None:
        """A fault that was admitted has ended."""
        with self._lock:
            self._at_once -= 1

    def sleep(self, seconds: float, *, blocking: bool = False) -> float:
        """Sleep, cooperatively or with the whole worker, until the time is over or faults are stopped; returns the
        seconds slept.
        """
        sleep = unpatched("time", "sleep") if blocking else time.sleep
        started = time.monotonic()
        while True:
            left = started + seconds - time.monotonic()
            if left <= 0 or self.stopped():
                return time.monotonic() - started
            sleep(min(left, SLICE_SECONDS))
