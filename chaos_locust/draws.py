"""Randomness that restarts with every iteration, and the module `random` made to use it.

Locust draws tasks and waits from the module `random`, and so do most locustfiles. Its functions are replaced by ones
that ask the user they are called for, so an existing locustfile is seeded by the import alone. Outside a user's
greenlet nothing changes. `from random import choice` before `import chaos_locust` escapes this, and so does numpy.
"""

from __future__ import annotations

import functools
import random
import struct
from hashlib import blake2b, shake_128
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import ContextVar

    from _typeshed import SupportsLenAndGetItem

_BITS = 64  # of a word
_WORDS = struct.Struct("<8Q")
_GROUP = 32
_FIRST = struct.Struct("<2Q")
T = TypeVar("T")


class Draws(random.Random):
    """A generator that restarts in no time: its words are hashes of its name, the iteration and a count.

    Python's own takes 5 µs to be seeded, as much as a request may cost us altogether. The first two words of an
    iteration, enough for its wait and its task, come from one hash for a group of iterations, others from its own.
    """

    __slots__ = ("_count", "_firsts", "_group", "_name", "_place", "_words")

    def __init__(self, name: str) -> None:
        self._name = name
        self._group = -1
        self._firsts: list[tuple[int, ...]] = []
        super().__init__(0)
        self.seed("start")

    def restart(self, iteration: int) -> None:
        """Begin the sequence that belongs to this iteration."""
        group = iteration // _GROUP
        if group != self._group:
            self._group = group
            block = shake_128(f"{self._name}:{group}".encode()).digest(_GROUP * _FIRST.size)
            self._firsts = list(_FIRST.iter_unpack(block))
        self._place: int | str = iteration
        self._words = list(self._firsts[iteration % _GROUP])  # the next one last
        self._count = 0
        self.gauss_next = None  # what the base class keeps of a pair of normal draws

    def getrandbits(self, k: int, /) -> int:
        """The next `k` bits."""
        value = 0
        for _ in range(0, k, _BITS):
            value = value << _BITS | (self._words or self._more()).pop()
        return value >> (-k % _BITS)

    def random(self) -> float:
        """The next number in [0, 1)."""
        return ((self._words or self._more()).pop() >> 11) * 2.0**-53

    def choice(self, seq: SupportsLenAndGetItem[T]) -> T:
        """One of a sequence; nothing is drawn where there is only one, as for a user with a single task.

        The base class draws until a number fits, for two tasks twice on average. A word is long enough to be scaled.
        """
        size = len(seq)
        return seq[0] if size == 1 else seq[(self._words or self._more()).pop() * size >> _BITS]

    def seed(self, a: Any = None, version: int = 2) -> None:
        """Start a sequence of one's own until the iteration ends."""
        del version
        self._place, self._words, self._count = f"seed:{a}", [], 0
        self.gauss_next = None

    def _more(self) -> list[int]:
        """The words after those."""
        self._count += 1
        block = blake2b(f"{self._name}:{self._place}:{self._count}".encode()).digest()
        words = self._words = list(_WORDS.unpack(block))
        return words


def install(current: ContextVar[Draws | None]) -> None:
    """Let the module's functions use the current user's draws, where there are any."""
    for name in random.__all__:
        function = getattr(random, name)
        if isinstance(getattr(function, "__self__", None), random.Random):
            wrap: Callable[..., Callable[..., Any]] = _SHORTCUTS.get(name, _dispatch)
            setattr(random, name, functools.wraps(function)(wrap(function, getattr(Draws, name), current)))


def _dispatch(
    plain: Callable[..., Any], ours: Callable[..., Any], current: ContextVar[Draws | None]
) -> Callable[..., Any]:
    def drawn(*args: Any, **kwargs: Any) -> Any:
        draws = current.get()
        return plain(*args, **kwargs) if draws is None else ours(draws, *args, **kwargs)

    return drawn


def _dispatch_random(
    plain: Callable[[], float], ours: Callable[[Draws], float], current: ContextVar[Draws | None]
) -> Callable[[], float]:
    def drawn() -> float:
        draws = current.get()
        return plain() if draws is None else ours(draws)

    return drawn


def _dispatch_choice(
    plain: Callable[[Any], Any], ours: Callable[[Draws, Any], Any], current: ContextVar[Draws | None]
) -> Callable[[Any], Any]:
    def drawn(seq: Any) -> Any:
        draws = current.get()
        return plain(seq) if draws is None else ours(draws, seq)

    return drawn


# What Locust itself asks for in each iteration, without arguments to be packed and unpacked.
_SHORTCUTS: dict[str, Callable[..., Callable[..., Any]]] = {"random": _dispatch_random, "choice": _dispatch_choice}
