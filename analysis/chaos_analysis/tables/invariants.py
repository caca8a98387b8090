"""What came of the invariants that the load's users state: `invariants.jsonl`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chaos_analysis.model import Invariant, Violation
from chaos_analysis.tables._lines import blocks

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> tuple[tuple[Invariant, ...], list[str]]:
    """The invariants in their order, and what could not be read; nothing of a run that states none."""
    if not path.is_file():
        return (), []
    found: list[Invariant] = []
    broken = 0
    for values, bad in blocks(path, dict):
        for value in values:
            try:
                found.append(_invariant(value))
            except (KeyError, TypeError, ValueError, AttributeError):
                broken += 1
        broken += bad
    return tuple(found), [f"{path.name}: {broken} lines could not be read"] if broken else []


def _invariant(value: dict[str, Any]) -> Invariant:
    return Invariant(
        name=str(value["name"]),
        checked=value["checked"] is True,
        violations=tuple(map(_violation, value["violations"])),
        more=int(value.get("more") or 0),
        error=None if value.get("error") is None else str(value["error"]),
        seconds=float(value.get("seconds") or 0.0),
        facts=int(value.get("facts") or 0),
    )


def _violation(value: dict[str, Any]) -> Violation:
    keys, suspects = (tuple(map(str, value.get(name) or ())) for name in ("keys", "suspects"))
    return Violation(str(value["text"]), keys, suspects)
