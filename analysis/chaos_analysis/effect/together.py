"""Several fixes as one patch: each is made again on what those before it left, so that they fit one another.

Their order is that of `FIXES`, innermost first. What cannot be made any more is left out, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from chaos_analysis.fixes import FIXES
from chaos_analysis.fixes._changes import changes
from chaos_analysis.fixes._diff import unified
from chaos_analysis.fixes._fix import AlreadyThere, Declined, Spot
from chaos_analysis.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ORDER = {fix.name: place for place, fix in enumerate(FIXES)}
RESCUES = frozenset(fix.name for fix in FIXES if fix.rescues)


@dataclass(frozen=True)
class Wanted:
    """A fix at a place, as a proposal has it; `label` is what it is called in what is said about it."""

    label: str
    fix: str
    file: str
    spot: Spot


@dataclass(frozen=True)
class Combined:
    """The patch ("" where nothing is changed), the labels of what is in it, and by label why others are not."""

    diff: str
    labels: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Changed(Sources):
    """Sources with texts that have changed."""

    texts: dict[str, str] = field(default_factory=dict)

    def text(self, path: str) -> str | None:
        return self.texts[path] if path in self.texts else super().text(path)


def combine(wanted: Iterable[Wanted], sources: Sources, prefix: str = "") -> Combined:
    """One patch of all; `prefix` is the app's folder as seen from the top of its repository."""
    changed, left_out = _Changed(sources.root), dict[str, str]()
    wanted = list(wanted)
    for one in sorted(wanted, key=lambda each: _ORDER.get(each.fix, len(_ORDER))):
        try:
            fix = next(fix for fix in FIXES if fix.name == one.fix)
            before, now = sources.text(one.file) or "", changed.text(one.file) or ""
            made = changes(fix, changed, one.file, _moved(one.spot, before.splitlines(), now.splitlines()))
        except AlreadyThere:
            continue  # another one brought it
        except Declined as declined:
            left_out[one.label] = str(declined)
        else:
            changed.texts.update(made.texts)
    top = prefix.strip("/")
    diffs = [
        unified(f"{top}/{name}" if top else name, sources.text(name) or "", after)
        for name, after in sorted(changed.texts.items())
    ]
    labels = tuple(one.label for one in wanted if one.label not in left_out)
    return Combined("".join(diffs), labels, tuple(left_out.items()))


def _moved(spot: Spot, before: Sequence[str], now: Sequence[str]) -> Spot:
    """The place as it is called where other changes have been made."""
    also = tuple(_moved(each, before, now) for each in spot.also)
    if not spot.line:
        return replace(spot, also=also)
    at = spot.line - 1
    for _, low, high, new_low, new_high in SequenceMatcher(None, before, now, autojunk=False).get_opcodes():
        if low <= at < high:
            return replace(spot, line=_at(at, before, now[new_low:new_high], new_low, at - low) + 1, also=also)
    return replace(spot, also=also)


def _at(at: int, before: Sequence[str], block: Sequence[str], start: int, offset: int) -> int:
    """The line of a block that is most like the one that stood there."""
    if offset < len(block) and block[offset] == before[at]:
        return start + offset
    likeness = [SequenceMatcher(None, before[at].strip(), line.strip()).ratio() for line in block]
    return start + max(range(len(block)), key=likeness.__getitem__, default=0)
