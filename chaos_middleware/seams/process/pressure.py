"""What is taken from a process and given back when the `with` block ends; each yields in words what it took."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_middleware.control import unpatched
from chaos_middleware.errors import UnsupportedFault

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE_BYTES = 4096
_MANY_DESCRIPTORS = 65_536  # a limit above this is lowered first: to open millions takes seconds


@contextmanager
def memory(size: int) -> Iterator[str]:
    """Takes the bytes and touches each page; no more than half of what the machine has free."""
    free = _free_memory()
    if free is not None and size > free // 2:
        raise UnsupportedFault(
            f"{size >> 20} MiB are more than half of the {free >> 20} MiB that this machine has free"
        )
    held = bytearray(size)
    held[::_PAGE_BYTES] = b"\1" * len(range(0, size, _PAGE_BYTES))
    yield f"{size >> 20} MiB held"
    del held


def _free_memory() -> int | None:
    with suppress(OSError, ValueError), Path("/proc/meminfo").open(encoding="ascii") as lines:
        for line in lines:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return None


@contextmanager
def cpu(threads: int) -> Iterator[str]:
    """Native threads, also where gevent has patched: a greenlet that computes would stop the others for good."""
    going = [True]

    def compute() -> None:
        while going[0]:
            sum(range(10_000))

    start = unpatched("_thread", "start_new_thread")
    try:
        for _ in range(threads):
            start(compute, ())
        yield f"{threads} computing"
    finally:
        going[0] = False


@contextmanager
def descriptors(leave: int) -> Iterator[str]:
    """Opens until the kernel refuses, and gives `leave` of them back."""
    import resource  # noqa: PLC0415 - Windows has none

    with ExitStack() as restored:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY or soft > _MANY_DESCRIPTORS:
            highest = max((int(one.name) for one in Path("/dev/fd").iterdir()), default=0)
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(highest + 1 + leave, 256), hard))
            restored.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        taken: list[int] = []
        restored.callback(_close, taken)
        try:
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
        for _ in range(min(leave, len(taken))):
            os.close(taken.pop())
        yield f"{len(taken)} taken, {leave} left"


def _close(descriptors: list[int]) -> None:
    for one in descriptors:
        os.close(one)
