"""What every fault is: settings, and one method that acts on a target through the few verbs that a seam offers.

A fault holds only its settings. Whether to act is decided in `injector.py`, how a delay or a failure looks at a place
(which error class, which timeout ends it) is the seam's affair, which implements `Target`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn, Protocol

from chaos_middleware.reading import Reader


class Target(Protocol):
    """The place that a fault acts on: a request at the edge, or one call of a dependency."""

    def delay(self, seconds: float, *, blocking: bool) -> None:
        """Hold the caller up; where the caller has a timeout that ends earlier, raise the library's timeout error
        then.
        """

    def fail(self, how: str, give_up: float = 0.0) -> NoReturn:
        """Fail as the network does, in the library's own class: `connection_reset` at once; `connect_timeout` or
        `read_timeout` when the caller's own timeout ends, or after `give_up` seconds where it has none.
        """

    def throw(self, error: Exception) -> NoReturn:
        """Raise an error where the app's own code would see it."""

    def answer(self, status: int, body: bytes) -> None:
        """Answer in the place of what was called."""

    def slow(self, bytes_per_second: float, max_seconds: float) -> None:
        """Let the body of the answer come no faster than this, for at most so much longer."""

    def truncate(self, keep: float) -> None:
        """Break the answer off after this share of its body."""

    def garble(self, body: bytes) -> None:
        """Put these bytes in the place of the body."""


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
