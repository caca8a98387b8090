"""Randomness that restarts with every iteration, and the module `random` made to use it.

Locust draws tasks and waits from the module `random`, and so do most locustfiles. Its functions are replaced by ones
that ask the user they are called for, so an existing locustfile is seeded by the import alone. Outside a user's
greenlet nothing changes. `from random import choice` before `import chaos_locust` escapes this, and so does numpy.
"""

from __future__ import annotations

import functools
import random
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import ContextVar

    from _typeshed import SupportsLenAndGetItem

_BITS = 512
T = TypeVar("T")


class Draws(random.Random):
    """A generator that restarts in no time: its numbers are hashes of its name, the iteration and a count.

    Python's own takes 4 µs to be seeded, which is most of what a request may cost us.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__(0)
        self.restart("start")

    def restart(self, iteration: int | str) -> None:
        """Begin the sequence that belongs to this iteration."""
        self._iteration = iteration
        self._count = 0
        self.gauss_next = None  # what the base class keeps of a pair of normal draws

    def getrandbits(self, k: int, /) -> int:
        """The next `k` bits."""
        value = 0
        for _ in range(0, k, _BITS):
            self._count += 1
            block = blake2b(f"{self._name}:{self._iteration}:{self._count}".encode()).digest()
            value = value << _BITS | int.from_bytes(block, "big")
        return value >> (-k % _BITS)

    def random(self) -> float:
        """The next number in [0, 1)."""
        return self.getrandbits(53) * 2.0**-53

    def choice(self, seq: SupportsLenAndGetItem[T]) -> T:
        """One of a sequence; nothing is drawn where there is only one, as for a user with a single task."""
        return seq[0] if len(seq) == 1 else super().choice(seq)

    def seed(self, a: Any = None, version: int = 2) -> None:
        """Start a sequence of one's own until the iteration ends."""
        del version
        self.restart(f"seed:{a}")


def install(current: ContextVar[Draws | None]) -> None:
    """Let the module's functions use the current user's draws, where there are any."""
    for name in random.__all__:
        function = getattr(random, name)
        if isinstance(getattr(function, "__self__", None), random.Random):
            setattr(random, name, _dispatch(name, function, current))


def _dispatch(name: str, plain: Callable[..., Any], current: ContextVar[Draws | None]) -> Callable[..., Any]:
    @functools.wraps(plain)
    def drawn(*args: Any, **kwargs: Any) -> Any:
        draws = current.get()
        return plain(*args, **kwargs) if draws is None else getattr(draws, name)(*args, **kwargs)

    return drawn
