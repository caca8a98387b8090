"""How finders name things."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import pandas as pd

from chaos_analysis import wording
from chaos_analysis.model import Site

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.model import Estimate, Severity

_IDENTITY = re.compile(r" [0-9a-f]{8}$")  # of a statement
_OF_NO_TABLE = ("BEGIN", "CHECKOUT", "COMMIT", "CONNECT", "ROLLBACK", "SESSION")  # their target names a server
_SHOWN = 3


def service(target: str) -> str:
    """What people call the other side of a call: `GET 127.0.0.1/fares?to=moon` is `Fares`; without a path, its host."""
    host, _, path = target.partition(" ")[2].partition("/")
    name = path.partition("?")[0].partition("/")[0].rstrip("*") or host or target
    return name[:1].upper() + name[1:]


def other_side(target: str, seam: str) -> str:
    """What it is called within a sentence: a service by its name, a statement by verb and table, a cache as such."""
    if seam == "cache":
        return "the cache"
    if seam != "database":
        return service(target)
    verb, _, rest = target.partition(" ")
    table = _IDENTITY.sub("", rest)
    return "the database" if verb in ("", "*") else verb if verb in _OF_NO_TABLE else f"{verb} {table}".strip()


def begin(sentence: str) -> str:
    """The sentence with a capital letter."""
    return sentence[:1].upper() + sentence[1:]


def grouped(targets: Iterable[Any]) -> str | None:
    """One name for several calls: their common beginning and a `*`."""
    names = sorted({str(target) for target in targets if isinstance(target, str)})
    if len(names) < 2:
        return names[0] if names else None
    alike = zip(names[0], names[-1], strict=False)  # in order, the first and the last differ soonest
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], alike)) + "*"


def site(file: object, line: object, function: object) -> Site | None:
    """The call site in a table's columns, None where they are empty."""
    if not isinstance(file, str) or not isinstance(line, int | float) or line != line:  # noqa: PLR0124 - NaN
        return None
    return Site(file, int(line), str(function))


def keys(values: Iterable[str]) -> tuple[str, ...]:
    """A few request keys to look at."""
    return tuple(dict.fromkeys(values))[:_SHOWN]


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and 3 more`."""
    every = list(dict.fromkeys(names))
    if len(every) > _SHOWN:
        every = [*every[: _SHOWN - 1], f"{len(every) - _SHOWN + 1} more"]
    return " and ".join(filter(None, [", ".join(every[:-1]), *every[-1:]]))


def endpoints(counts: pd.Series[int]) -> str:
    """`GET /a (12), POST /b (3)` from counts by endpoint."""
    return ", ".join(f"{name} ({wording.count(n)})" for name, n in counts.items())


def severity(rate: Estimate) -> Severity:
    """By the lower end of the failure probability of what meets it."""
    low = rate.low or 0.0
    return "critical" if low >= 0.5 else "high" if low >= 0.1 else "medium"
