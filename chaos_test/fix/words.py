"""How a measured effect is said in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaos_test.fix.proposals import Proposed

STYLES = {
    "improved": "bold green",
    "worse": "bold red",
    "no difference": "default",
    "inconclusive": "yellow",
    "not comparable": "yellow",
}


def in_short(proposed: Proposed) -> str:
    """The verdict with its first figure: `improved, -31 of 1,000`."""
    effect = proposed.effect or {}
    saved = effect.get("saved")
    if saved is None or effect["verdict"] not in {"improved", "worse"}:
        return proposed.verdict
    return f"{proposed.verdict}, {-saved:+.0f} of 1,000"
