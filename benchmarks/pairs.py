"""What a call costs more with every seam installed: measured in pairs, with and without, side by side.

In one process, which calls by turns of a few milliseconds with the seams and without them, so that a busy machine, and
the process's own luck with memory, befall both alike. The hooks stay the same objects: to install the seams anew each
time would measure code that the interpreter has not learned about. What it has learned about the classes they are put
into it forgets with each turn, on both sides; so each begins with calls that are not counted. Each process gives one
figure, the median of its pairs. What is told is the median of several processes, with the distribution-free interval
of a median.
"""

from __future__ import annotations

import gc
import os
import struct
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from scipy.stats import binom

from chaos_middleware.carry import CARRY
from chaos_middleware.patching import Replace
from chaos_middleware.request import Request, current
from chaos_middleware.seams import SEAMS

Call = Callable[[], object]
PROCESSES = 30  # they differ by more than the pairs of one do
PAIRS = 40
CALLS = 40
NOT_COUNTED = 120
WARM_UP = 1000
_FLOAT = struct.Struct("d")


def difference(make: Callable[[], Call], request: Request | None) -> dict[str, Any]:
    """`microseconds` of CPU that a call costs more, in this request or in none; `low` and `high` of the interval.

    `make` makes the call, once where the seams are and once where they are not: some leave their mark on a connection.
    """
    found = sorted(_in_a_process(make, request) for _ in range(PROCESSES))
    low = int(binom.ppf(0.025, PROCESSES, 0.5))
    return {"microseconds": median(found), "low": found[low - 1], "high": found[PROCESSES - low]}


def _in_a_process(make: Callable[[], Call], request: Request | None) -> float:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            gc.freeze()
            os.write(writing, _FLOAT.pack(_difference(make, request)))
        finally:
            os._exit(0)
    os.close(writing)
    answer = os.read(reading, _FLOAT.size)
    os.close(reading)
    os.waitpid(pid, 0)
    figure: float = _FLOAT.unpack(answer)[0]
    return figure


def _difference(make: Callable[[], Call], request: Request | None) -> float:
    """The median of the pairs of this process. Who comes second finds the caches warm, so they take turns in that."""
    plain, seams = _made(make, installed=False), _made(make, installed=True)
    hooks = list(_hooks())

    def measured(calls: int, *, installed: bool) -> float:
        for owner, name, original, ours in hooks:
            setattr(owner, name, ours if installed else original)
        current.set(request if installed else None)
        _microseconds(seams if installed else plain, request, NOT_COUNTED)
        return _microseconds(seams if installed else plain, request, calls)

    for installed in (False, True):
        measured(WARM_UP, installed=installed)
    found = []
    for number in range(PAIRS):
        seams_first = bool(number % 2)
        first, second = measured(CALLS, installed=seams_first), measured(CALLS, installed=not seams_first)
        found.append(first - second if seams_first else second - first)
    return median(found)


def _made(make: Callable[[], Call], *, installed: bool) -> Call:
    """The call, made once: with it a library may be imported, and then has its hooks, too."""
    for patches in (CARRY, *SEAMS):
        patches.uninstall()
        if installed:
            patches.install()
    call = make()
    call()
    return call


def _hooks() -> Iterator[tuple[Any, str, Any, Any]]:
    """What is replaced: in what, by which name, the original and what stands in its place."""
    for patches in (CARRY, *SEAMS):
        for changes in patches._changes.values():
            for change in changes:
                for one in getattr(change, "_replaced", [change]):
                    if isinstance(one, Replace) and one._owner is not None:
                        yield one._owner, one._path[-1], one.original, one._ours


def _microseconds(call: Call, request: Request | None, calls: int) -> float:
    started = time.thread_time()
    for _ in range(calls):
        call()
        if request is not None:
            request.calls.clear()  # a request makes a few calls, not thousands
    return (time.thread_time() - started) / calls * 1e6
