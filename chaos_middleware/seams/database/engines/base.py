"""What an engine can be asked for, and what engines share: the socket that is cut, the hold that is given back."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable, NoReturn

from chaos_middleware.control import SLICE_SECONDS, unpatched
from chaos_middleware.errors import UnsupportedFault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_middleware.control import Control

LOCK_WAIT_SECONDS = 1.0  # for somebody else's lock to be had, in a database that is in use


class Engine:
    """A kind of database. Each way to fail refuses, unless an engine overrides it."""

    def stall(self, connection: Any, seconds: float, control: Control, *, ended: bool) -> None:
        """Let the server be busy with a statement on this connection for so long; `ended`: its transaction is over, and
        none is to be left open.
        """
        raise _refused("slow_statement", connection)

    def error(self, connection: Any, kind: str, table: str, *, ending: bool) -> NoReturn:
        """Fail with the driver's own error of this kind; `ending`: where a transaction ends, which is over then."""
        raise _refused(f"statement_error {kind}", connection)

    def cut(self, connection: Any) -> bool:
        """Break the connection below the driver, which is to find out itself; False where there is no connection."""
        return False

    def find_out(self, connection: Any) -> None:
        """Have the driver find out that its connection is broken, by its own error."""
        connection.cursor().execute("SELECT 1")

    def lock(self, connection: Any, facts: tuple[str, ...], seconds: float, control: Control) -> str:
        """Have a second connection take the lock that this statement needs; returns what it holds."""
        raise _refused("lock_contention", connection)

    def end(self, connections: list[Any]) -> None:
        """End these connections from the server's side."""
        raise _refused("stale_connections", connections[0])


def _refused(what: str, connection: Any) -> UnsupportedFault:
    return UnsupportedFault(f"{what} cannot be had with the driver {type(connection).__module__.partition('.')[0]}")


def in_a_line(error: Exception) -> str:
    """What an error says, or what it is called where it says nothing."""
    return next((line for line in str(error).splitlines() if line), type(error).__name__)


def shut_down(descriptor: int) -> None:
    """End the connection of a socket in both directions; the descriptor stays its owner's."""
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as copy:
        copy.shutdown(socket.SHUT_RDWR)


def hold(seconds: float, control: Control, give_back: Callable[[], Any]) -> None:
    """Give something back when its seconds are over or faults are stopped, whichever is first.

    By a native thread, also under gevent: who waits for a lock in a driver's C code stalls every greenlet.
    """
    start, sleep = unpatched("_thread", "start_new_thread"), unpatched("time", "sleep")
    until = monotonic() + seconds

    def wait() -> None:
        while (left := until - monotonic()) > 0 and not control.stopped():
            sleep(min(left, SLICE_SECONDS))
        with suppress(Exception):  # what cannot be closed any more is closed
            give_back()

    start(wait, ())


@contextmanager
def woken(control: Control, wake: Callable[[], Any]) -> Iterator[Callable[[], bool]]:
    """While the block waits in the driver: `wake` when faults are stopped. Yields whether it was woken."""
    start, sleep = unpatched("_thread", "start_new_thread"), unpatched("time", "sleep")
    over, stopped = [False], [False]

    def watch() -> None:
        while not over[0]:
            sleep(SLICE_SECONDS)
            if not over[0] and control.stopped():
                stopped[0] = True
                with suppress(Exception):  # the connection may be gone
                    wake()
                return

    start(watch, ())
    try:
        yield lambda: stopped[0]
    finally:
        over[0] = True
