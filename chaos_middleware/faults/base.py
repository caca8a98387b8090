"""What every fault is: settings, and one method that acts on a target through the few verbs that a seam offers.

A fault holds only its settings. Whether to act is decided in `injector.py`, how a delay or a failure looks at a place
(which error class, which timeout ends it) is the seam's affair, which implements `Target`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

from chaos_middleware.errors import UnsupportedFault
from chaos_middleware.reading import Reader


class Target:
    """The place that a fault acts on: a request at the edge, one call of a dependency, a process, a connection.

    A seam overrides the verbs that make sense there; the others refuse, and name the `place`.
    """

    place: ClassVar[str] = "this place"

    def delay(self, seconds: float, *, blocking: bool) -> None:
        """Hold the caller up; where the caller has a timeout that ends earlier, raise the library's timeout error
        then.
        """
        raise _refused(self, f"a delay of {seconds:g} s{' of the whole worker' * blocking}")

    def fail(self, how: str, give_up: float = 0.0) -> NoReturn:
        """Fail as the network does, in the library's own class: `connection_refused` and `connection_reset` at once;
        `connect_timeout` or `read_timeout` when the caller's own timeout ends, or after `give_up` seconds where it has
        none.
        """
        raise _refused(self, f"{how} after {give_up:g} s")

    def throw(self, error: Exception) -> NoReturn:
        """Raise an error where the app's own code would see it."""
        raise _refused(self, type(error).__name__)

    def answer(self, status: int, body: bytes) -> None:
        """Answer in the place of what was called."""
        raise _refused(self, f"an answer {status} of {len(body)} bytes")

    def slow(self, bytes_per_second: float, max_seconds: float) -> None:
        """Let the body of the answer come no faster than this, for at most so much longer."""
        raise _refused(self, f"a body of {bytes_per_second:g} bytes/s for {max_seconds:g} s")

    def truncate(self, keep: float) -> None:
        """Break the answer off after this share of its body."""
        raise _refused(self, f"an answer cut at {keep:g}")

    def lengthen(self, size: int) -> None:
        """Let the body of the request go on until it has this many bytes."""
        raise _refused(self, f"a request's body of {size} bytes")

    def garble(self, body: bytes) -> None:
        """Put these bytes in the place of the body."""
        raise _refused(self, f"another body of {len(body)} bytes")

    def miss(self) -> None:
        """Answer as if nothing were stored there."""
        raise _refused(self, "a miss")

    def stale(self) -> None:
        """Answer with the value that was stored there before."""
        raise _refused(self, "an earlier value")

    def stall(self, seconds: float) -> None:
        """Let what is called be busy for so long, by itself."""
        raise _refused(self, f"a stall of {seconds:g} s")

    def error(self, kind: str) -> None:
        """Fail with the library's own error of this kind."""
        raise _refused(self, f"an error of the kind {kind}")

    def lock(self, seconds: float) -> None:
        """Have somebody else hold the lock that the call needs, for so long."""
        raise _refused(self, f"a lock of {seconds:g} s")

    def exhaust(self, seconds: float) -> None:
        """Take everything that the pool has, for so long."""
        raise _refused(self, f"an exhausted pool for {seconds:g} s")

    def cut_off(self) -> None:
        """End every connection that lies in the pool."""
        raise _refused(self, "the end of pooled connections")

    def press(self, what: str, amount: int, seconds: float) -> None:
        """Take so much `memory` (bytes), `cpu` (threads), or all but so many `descriptors`, and give it back then."""
        raise _refused(self, f"pressure on {what} ({amount} for {seconds:g} s)")

    def kill(self) -> None:
        """End the process."""
        raise _refused(self, "the end of the process")

    def impair(self, what: str, amount: float, *, seconds: float = 0.0, draw: float = 0.0) -> None:
        """Impair a connection: `what` is the fault's name (`refused` and `hang`: the whole link), `amount` its one
        figure; `draw` is a uniform number that seeds what varies.
        """
        raise _refused(self, f"{what} ({amount:g}, {seconds:g} s, {draw:g})")


def _refused(target: Target, what: str) -> UnsupportedFault:
    return UnsupportedFault(f"{what} cannot be had at {target.place}")


class Fault:
    """One kind of fault. `name` is its type in the experiment, its file and its heading in docs/faults.md."""

    name: ClassVar[str]

    @classmethod
    def read(cls, settings: Reader) -> Fault:
        """The fault with these settings; raises `ExperimentError`."""
        raise NotImplementedError

    def settle(self, u: Sequence[float]) -> Fault:  # noqa: ARG002 - most faults have nothing to draw
        """The same fault with every random setting drawn from `u`, eight uniform numbers in [0, 1)."""
        return self

    def asked(self) -> dict[str, Any]:
        """The settings as the ledger shows them, after `settle`."""
        return {}

    def act(self, target: Target) -> None:
        """Do it."""
        raise NotImplementedError
