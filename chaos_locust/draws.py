"""Randomness that restarts with every iteration, and the module `random` made to use it.

Locust draws tasks and waits from the module `random`, and so do most locustfiles. Its functions are replaced by ones
that ask the user they are called for, so an existing locustfile is seeded by the import alone. Outside a user's
greenlet nothing changes. `from random import choice` before `import chaos_locust` escapes this, and so does numpy.
"""

from __future__ import annotations

import functools
import random
import struct
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import ContextVar

    from _typeshed import SupportsLenAndGetItem

_WORDS = struct.Struct("<8Q")  # of a hash
_BITS = 64
T = TypeVar("T")


class Draws(random.Random):
    """A generator that restarts in no time: its words are hashes of its name, the iteration and a count.

    Python's own takes 5 µs to be seeded, as much as a request may cost us altogether. Nothing is hashed before
    something is drawn, and one hash is enough for the task, the wait and some more.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__(0)
        self.restart("start")

    def restart(self, iteration: int | str) -> None:
        """Begin the sequence that belongs to this iteration."""
        self._iteration = iteration
        self._count = 0
        self._words: list[int] | None = None
        self.gauss_next = None  # what the base class keeps of a pair of normal draws

    def getrandbits(self, k: int, /) -> int:
        """The next `k` bits."""
        value = 0
        for _ in range(0, k, _BITS):
            value = value << _BITS | (self._words or self._hash()).pop()
        return value >> (-k % _BITS)

    def random(self) -> float:
        """The next number in [0, 1)."""
        return ((self._words or self._hash()).pop() >> 11) * 2.0**-53

    def choice(self, seq: SupportsLenAndGetItem[T]) -> T:
        """One of a sequence; nothing is drawn where there is only one, as for a user with a single task.

        The base class draws until a number fits, for two tasks twice on average. A word is long enough to be scaled.
        """
        size = len(seq)
        return seq[0] if size == 1 else seq[(self._words or self._hash()).pop() * size >> _BITS]

    def seed(self, a: Any = None, version: int = 2) -> None:
        """Start a sequence of one's own until the iteration ends."""
        del version
        self.restart(f"seed:{a}")

    def _hash(self) -> list[int]:
        """The next words, the first one last."""
        self._count += 1
        block = blake2b(f"{self._name}:{self._iteration}:{self._count}".encode()).digest()
        words = self._words = list(_WORDS.unpack(block))
        return words


def install(current: ContextVar[Draws | None]) -> None:
    """Let the module's functions use the current user's draws, where there are any."""
    for name in random.__all__:
        function = getattr(random, name)
        if isinstance(getattr(function, "__self__", None), random.Random):
            setattr(random, name, _dispatch(name, function, current))


def _dispatch(name: str, plain: Callable[..., Any], current: ContextVar[Draws | None]) -> Callable[..., Any]:
    ours: Callable[..., Any] = getattr(Draws, name)

    @functools.wraps(plain)
    def drawn(*args: Any, **kwargs: Any) -> Any:
        draws = current.get()
        return plain(*args, **kwargs) if draws is None else ours(draws, *args, **kwargs)

    return drawn
