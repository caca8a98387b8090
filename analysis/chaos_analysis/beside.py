"""Two things at once: a copy of this process does one of them on another core, and hands back what came of it."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


@contextmanager
def beside(work: Callable[[], T], *, worthwhile: bool) -> Iterator[Callable[[], T]]:
    """Begin `work` in a copy of this process; what is given waits for its result, and is called once.

    The copy has all that is in memory without reading it again; of what `work` changes there, only its result comes
    back, pickled. Where it is not `worthwhile`, where no copy can safely be made and where the copy failed, `work` is
    done here when its result is asked for, and raises here what it raises. The copy ends with the `with` block,
    whatever happens there.
    """
    if not (worthwhile and _can_copy()):
        yield work
        return
    ours, theirs = os.pipe()
    with warnings.catch_warnings():  # of threads: numpy's library has some, and stops them for the copying
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _hand_over(work, theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        try:
            yield lambda: _received(pipe, work)
        finally:
            os.kill(pid, signal.SIGKILL)  # it has handed over, or nobody wants it any more
            os.waitpid(pid, 0)


def _can_copy() -> bool:
    """Another thread's lock would stay locked in the copy for ever, and so would gevent's loop; macOS forbids it."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    return cores > 1 and threading.active_count() == 1 and "gevent" not in sys.modules


def _received(pipe: BinaryIO, work: Callable[[], T]) -> T:
    try:
        result: T = pickle.load(pipe)  # noqa: S301 - our own copy wrote it
    except (EOFError, pickle.UnpicklingError):
        return work()
    return result


def _hand_over(work: Callable[[], object], to: int) -> NoReturn:
    """In the copy: nothing of the original's may run here, not even what Python does at its end."""
    try:
        result = pickle.dumps(work())
        with os.fdopen(to, "wb") as pipe:
            pipe.write(result)
    finally:
        os._exit(0)
