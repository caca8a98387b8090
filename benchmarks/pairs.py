"""What a call costs more with every seam installed: measured in pairs, with and without, side by side.

Two processes are forked from one; one has the seams, in the other they are taken out. They take turns of a few
milliseconds, so that a busy machine slows both. Nothing is patched back and forth, which would cost the interpreter
what it has learned about the code. Each pair of processes is one measurement, the median of its turns: a process has
its own luck with memory and caches, which more turns do not even out. The figure is the median of the pairs, with the
distribution-free interval of a median.
"""

from __future__ import annotations

import gc
import os
import struct
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from scipy.stats import binom

from chaos_middleware.carry import CARRY
from chaos_middleware.request import Request, current
from chaos_middleware.seams import SEAMS

FORKS = 20
TURNS = 6  # in each order
CALLS = 100
WARM_UP = 1000
_FLOAT = struct.Struct("d")


def difference(call: Callable[[], object], request: Request | None) -> dict[str, Any]:
    """`microseconds` of CPU that a call costs more, in this request or in none; `low` and `high` of the interval."""
    found = sorted(_pair(call, request) for _ in range(FORKS))
    low = int(binom.ppf(0.025, FORKS, 0.5))
    return {"microseconds": median(found), "low": found[low - 1], "high": found[FORKS - low]}


def _pair(call: Callable[[], object], request: Request | None) -> float:
    with_seams, without = _Side(call, request, seams=True), _Side(call, request, seams=False)
    try:
        first = [with_seams.measure() - without.measure() for _ in range(TURNS)]
        second = [-without.measure() + with_seams.measure() for _ in range(TURNS)]
        return (median(first) + median(second)) / 2  # who comes second finds the caches warm
    finally:
        with_seams.end()
        without.end()


class _Side:
    """A process that makes calls when it is asked to."""

    def __init__(self, call: Callable[[], object], request: Request | None, *, seams: bool) -> None:
        self._asked, asks = os.pipe()
        answered, self._answers = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(asks)
            self._serve(call, request, seams=seams)
        os.close(self._asked)
        os.close(self._answers)
        self._asks, self._answered = asks, answered

    def measure(self) -> float:
        """CPU microseconds of a call."""
        os.write(self._asks, b"?")
        answer: float = _FLOAT.unpack(os.read(self._answered, _FLOAT.size))[0]
        return answer

    def end(self) -> None:
        """The process is over."""
        os.kill(self._pid, 9)
        os.waitpid(self._pid, 0)
        os.close(self._asks)
        os.close(self._answered)

    def _serve(self, call: Callable[[], object], request: Request | None, *, seams: bool) -> None:
        try:
            for patches in (CARRY, *SEAMS):  # in both, as patching leaves its traces in the interpreter
                patches.uninstall()
                if seams:
                    patches.install()
            current.set(request)
            gc.freeze()
            _microseconds(call, request, WARM_UP)
            while os.read(self._asked, 1):
                os.write(self._answers, _FLOAT.pack(_microseconds(call, request, CALLS)))
        finally:
            os._exit(1)


def _microseconds(call: Callable[[], object], request: Request | None, calls: int) -> float:
    started = time.thread_time()
    for _ in range(calls):
        call()
        if request is not None:
            request.calls.clear()  # a request makes a few calls, not thousands
    return (time.thread_time() - started) / calls * 1e6
