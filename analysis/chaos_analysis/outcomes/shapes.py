"""Two answers' structures beside each other: what one lacks that all fault-free answers have, and what marks it.

A path is `fare.amount:number`, as docs/formats.md has it: where a value stands, and its type.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_MARK = re.compile(
    r"degraded|stale|partial|fallback|unavailable|incomplete|offline|outdated|warning|=(cached|default|estimated)$",
    re.IGNORECASE,
)
_FLAG = re.compile(r"[^.\[]+:boolean=true|header .+")  # of the whole answer, not of something in it
_HEADER = "header "
_SHOWN = 3
_CUT = "..."  # what was too deep or too much to be told


class Usually(NamedTuple):
    """Fault-free answers of one endpoint and status: the paths that any has, the places where all have a value."""

    any: frozenset[str]
    all: frozenset[str]
    kinds: frozenset[str]


def usually(shapes: Iterable[frozenset[str]]) -> Usually:
    """What these structures have in common."""
    known = list(shapes)
    everywhere = frozenset.intersection(*map(_valued, known))
    return Usually(frozenset().union(*known), everywhere, frozenset().union(*map(_kinds, known)))


def beside(paths: frozenset[str], usual: Usually) -> tuple[str, str]:
    """What an answer that is made otherwise is worth ("degraded", "wrong" or "" where it cannot be told), and why.

    Degraded: it says so itself, or has a part of what all others have. Wrong: nothing of it is left.
    """
    if _CUT in paths or _CUT in usual.any:
        return "", ""
    if marks := _marks(paths, usual):
        return "degraded", f"it says so: {_listed(marks)}"
    have = _valued(paths)
    lacks, keeps = usual.all - have, usual.all & have
    if lacks and not keeps:
        return "wrong", f"nothing of its usual content: {_listed(_outermost(lacks))}"
    if lacks:
        return "degraded", f"it lacks {_listed(_outermost(lacks))}"
    other = sorted(_kinds(paths) - usual.kinds)
    return ("degraded", f"it has {_listed(other)}, which others have not") if other else ("", "")


def says_less(paths: frozenset[str], usual: Usually) -> str:
    """What of an answer says outright that the whole of it is less, such as `degraded: true`; "" for nothing."""
    flags = [mark for mark in _marks(paths, usual) if _FLAG.fullmatch(mark)]
    return f"it says so: {_listed(flags)}" if flags else ""


def loses(paths: frozenset[str], usual: Usually) -> bool:
    """Whether an answer says that it is less, or lacks a part of what all others have."""
    told = _CUT not in paths and _CUT not in usual.any
    return told and bool(_marks(paths, usual) or usual.all - _valued(paths))


def _marks(paths: frozenset[str], usual: Usually) -> list[str]:
    """What marks it as less, and no other."""
    return sorted(path for path in paths - usual.any if _MARK.search(path) and not path.endswith("=false"))


def _valued(paths: frozenset[str]) -> frozenset[str]:
    """The places that hold a value: neither null nor empty."""
    told = [_split(path) for path in paths if not path.startswith(_HEADER)]
    found = {place for place, _, kind in told if kind not in {"null", "empty"}}
    nothing = {place for place, _, kind in told if kind in {"null", "empty"}}
    return frozenset(found - nothing)


def _kinds(paths: frozenset[str]) -> frozenset[str]:
    return frozenset(path for path in paths if not path.startswith(_HEADER) and not path.endswith((":null", ":empty")))


def _split(path: str) -> tuple[str, str, str]:
    place, colon, kind = path.rpartition(":")
    return (place, colon, kind.partition("=")[0]) if colon else (path, "", path)


def _outermost(places: Iterable[str]) -> list[str]:
    """Only the outermost of places that lie in one another."""
    kept: list[str] = []
    for place in sorted(places):
        if not kept or not place.startswith((f"{kept[-1]}.", f"{kept[-1]}[")):
            kept.append(place)
    return kept


def _listed(names: list[str]) -> str:
    shown = [f"`{name}`" for name in names[:_SHOWN]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
