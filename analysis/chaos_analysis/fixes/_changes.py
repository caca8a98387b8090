"""All that a fix changes: source, and what the new source needs, where the app declares its dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chaos_analysis.fixes._dependencies import Requirement, declare, lacking

if TYPE_CHECKING:
    from chaos_analysis.fixes._fix import Fix, Spot
    from chaos_analysis.sources import Sources


class Changes(NamedTuple):
    """New texts by file, what they need that was not there, and what of it no file declares now."""

    texts: dict[str, str]
    needed: tuple[Requirement, ...]
    undeclared: tuple[Requirement, ...]

    @property
    def told(self) -> str:
        """What is to be installed, in a sentence that follows others; "" for nothing."""
        names = " and ".join(map(str, self.needed))
        if self.undeclared:
            return f" Install {names}: the app's folder has no file that declares dependencies."
        return f" Install {names}, which the patch declares." if names else ""


def changes(fix: Fix, sources: Sources, file: str, spot: Spot) -> Changes:
    """What the fix makes of these sources at `spot` in `file`; raises `Declined`."""
    texts = fix.edits(sources, file, spot)
    needed = {each for name, after in texts.items() for each in lacking(sources.text(name) or "", after)}
    declared, undeclared = declare(sources, sorted(needed))
    return Changes(texts | declared, tuple(sorted(needed)), tuple(undeclared))
