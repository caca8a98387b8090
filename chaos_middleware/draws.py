"""The keyed draw: a uniform number in [0, 1) that follows from *what* is drawn for, never from *when*.

    point(seed, key, call, occurrence)   one 64-bit hash for a place that a request reached
    rule_hash(seed, rule).u(point)       that rule's own uniform number there
    values(seed, rule, point, n)         further numbers for a rule that fired, for its random settings

One blake2b serves all rules of a place; each rule turns it into its own number with one multiplication
(multiply-add hashing modulo 2^64, of which the high bits are kept: Dietzfelbinger 1996). Rules thus do not
disturb each other, and a higher rate fires a superset of the requests of a lower one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from math import ceil
from typing import NamedTuple

MASK = (1 << 64) - 1
_LOW_BITS = 11  # 53 bits remain: as many as a float holds, so that `u < rate` is exact
_UNIT = 2.0**-53
_int = int.from_bytes


@lru_cache(maxsize=8)
def pointer(seed: int) -> Callable[[str, str, int], int]:
    """`point` for one seed, without the lookup of the seed."""
    seeded = blake2b(key=str(seed).encode(), digest_size=8).copy

    def at(key: str, call: str, occurrence: int) -> int:
        digest = seeded()
        digest.update(f"{key}\0{call}\0{occurrence}".encode())
        return _int(digest.digest(), "little")

    return at


def point(seed: int, key: str, call: str = "", occurrence: int = 0) -> int:
    """The 64-bit number of the place where request `key` makes `call` for the `occurrence`-th time (0 at the edge)."""
    return pointer(seed)(key, call, occurrence)


def call_hash(identity: str) -> str:
    """Eight hex digits of a call's identity, for the ids of its events."""
    return blake2b(identity.encode(), digest_size=4).hexdigest()


class RuleHash(NamedTuple):
    """A rule's own multiplier (odd) and offset."""

    a: int
    b: int

    def u(self, at: int) -> float:
        """The rule's uniform number in [0, 1) at a point."""
        return float(((self.a * at + self.b) & MASK) >> _LOW_BITS) * _UNIT


@lru_cache(maxsize=1024)
def rule_hash(seed: int, rule: str) -> RuleHash:
    """The hash of the rule with this name under this seed."""
    digest = blake2b(rule.encode(), key=str(seed).encode(), digest_size=16).digest()
    return RuleHash(_int(digest[:8], "little") | 1, _int(digest[8:], "little"))


def limit(rate: float) -> int:
    """The bound on `(a·x + b) mod 2^64` below which a rule of this rate fires: the same decision as `u(x) < rate`."""
    return ceil(rate / _UNIT) << _LOW_BITS


class Lanes(NamedTuple):
    """Several rules side by side in big integers, 128 bits for each, so that one pass of arithmetic asks them all.

    `((a·x + b) & mask) + miss` has bit 64 of a lane set where that lane's rule does *not* fire: see `none_fires`.
    """

    a: int
    b: int
    mask: int
    miss: int
    carry: int


def lanes(rules: Sequence[tuple[RuleHash, float]]) -> Lanes:
    """The lanes for rules with their rates."""
    a = b = mask = miss = carry = 0
    for index, (hashed, rate) in enumerate(rules):
        shift = 128 * index
        a |= hashed.a << shift
        b |= hashed.b << shift
        mask |= MASK << shift
        miss |= (MASK + 1 - limit(rate)) << shift
        carry |= (MASK + 1) << shift
    return Lanes(a, b, mask, miss, carry)


def none_fires(packed: Lanes, at: int) -> bool:
    """Whether no rule of the lanes fires at a point; the injector has this line written out, for speed."""
    a, b, mask, miss, carry = packed
    return ((a * at + b & mask) + miss) & carry == carry


def values(seed: int, rule: str, at: int, count: int = 8) -> tuple[float, ...]:
    """Up to eight further numbers in [0, 1) for a rule that fired at a point."""
    digest = blake2b(f"{rule}\0{at}".encode(), key=str(seed).encode(), digest_size=64).digest()
    return tuple((_int(digest[i : i + 8], "little") >> 11) * _UNIT for i in range(0, 8 * count, 8))
