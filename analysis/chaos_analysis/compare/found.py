"""Patterns of both sides, by their id: which are gone, which stay, which are new."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from chaos_analysis.compare.comparable import name
from chaos_analysis.compare.model import PatternChange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos_analysis.compare.model import State
    from chaos_analysis.rundir import RunDir

_FILE = "failure-patterns.json"
_ORDER: tuple[State, ...] = ("appeared", "disappeared", "stayed")


def changes(base: Sequence[RunDir], other: Sequence[RunDir]) -> tuple[tuple[PatternChange, ...], str]:
    """Every pattern that any run shows, and why there is none to compare, "" where there is."""
    read = {name(run): _patterns(run) for run in (*base, *other)}
    lacking = [run for run, found in read.items() if found is None]
    if lacking:
        return (), f"{', '.join(lacking)}: no {_FILE}, so patterns are not compared; chaos-test report makes it"
    sides = [[pattern for run in side for pattern in read[name(run)] or ()] for side in (base, other)]
    failures = [Counter[str](), Counter[str]()]
    for counted, side in zip(failures, sides, strict=True):
        for pattern in side:
            counted[str(pattern["id"])] += int(pattern["failures"])
    before, after = ({str(pattern["id"]): pattern for pattern in side} for side in sides)
    found = []
    for known, pattern in (before | after).items():
        state: State = (
            "stayed" if known in before and known in after else "appeared" if known in after else "disappeared"
        )
        counts = failures[0][known], failures[1][known]
        found.append(PatternChange(known, str(pattern["title"]), str(pattern["severity"]), state, counts))
    return tuple(sorted(found, key=lambda each: (_ORDER.index(each.state), -max(each.failures), each.id))), ""


def _patterns(run: RunDir) -> list[dict[str, Any]] | None:
    try:
        listed = json.loads((run.path / _FILE).read_bytes())["patterns"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return [each for each in listed if isinstance(each, dict)]
