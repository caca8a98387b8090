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
    """The verdict with its first figure: `improved, -31 of 1,000`; or with what else it improves."""
    from chaos_analysis.effect.values import improved_under  # noqa: PLC0415 - pandas comes with it

    effect = proposed.effect or {}
    saved = effect.get("saved")
    if saved is None or effect["verdict"] not in {"improved", "worse"}:
        gains = (improved_under(each["condition"]) for each in effect.get("measured", ())[1:])
        return ", ".join([proposed.verdict, *(said for said in gains if said in effect["reason"])])
    return f"{proposed.verdict}, {-saved:+.0f} of 1,000"
