"""What a call costs more with every seam installed: measured in pairs, with and without, side by side.

Two processes are forked from one, so that they are alike down to their memory's layout; one has the seams, the other
has them taken out. They take turns, a few milliseconds each, so that a busy machine slows both. Nothing is
patched back and forth, which would cost the interpreter what it has learned about the code.
The figure is the median of the differences, with the distribution-free interval of a median, since interruptions are
rare and large; whole pairs of processes take turns too.
"""

from __future__ import annotations

import gc
import os
import struct
import time
from collections.abc import Callable
from typing import Any

from scipy.stats import binom

from chaos_middleware.carry import CARRY
from chaos_middleware.request import Request, current
from chaos_middleware.seams import SEAMS

FORKS = 12
PAIRS = 20  # of each fork
CALLS = 100
WARM_UP = 300
_FLOAT = struct.Struct("d")


def difference(call: Callable[[], object], request: Request | None) -> dict[str, Any]:
    """`microseconds` of CPU that a call costs more, in this request or in none; `low` and `high` of the interval."""
    differences = []
    for _ in range(FORKS):
        with_seams, without = _Side(call, request, seams=True), _Side(call, request, seams=False)
        try:
            differences += [with_seams.measure() - without.measure() for _ in range(PAIRS)]
        finally:
            with_seams.end()
            without.end()
    differences.sort()
    count = len(differences)
    low = int(binom.ppf(0.025, count, 0.5))
    middle = (differences[(count - 1) // 2] + differences[count // 2]) / 2
    return {"microseconds": middle, "low": differences[low - 1], "high": differences[count - low]}


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
            if not seams:
                for patches in (CARRY, *SEAMS):
                    patches.uninstall()
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
