"""Patterns of both sides, by their id: which are gone, which stay, which are new."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from chaos_analysis.compare.comparable import name
from chaos_analysis.compare.ids import Ids
from chaos_analysis.compare.model import PatternChange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos_analysis.compare.ids import Pattern
    from chaos_analysis.compare.model import Comparison, State
    from chaos_analysis.rundir import RunDir

_FILE = "failure-patterns.json"
_ORDER: tuple[State, ...] = ("appeared", "disappeared", "stayed")


def changes(base: Sequence[RunDir], other: Sequence[RunDir]) -> tuple[tuple[PatternChange, ...], str]:
    """Every pattern that any run shows, and why there is none to compare, "" where there is."""
    read = [[(run, _patterns(run)) for run in side] for side in (base, other)]
    lacking = [name(run) for side in read for run, found in side if found is None]
    if lacking:
        return (), f"{', '.join(lacking)}: no {_FILE}, so patterns are not compared; chaos-test report makes it"
    ids = Ids()
    sides = [[pair for run, found in side for pair in ids.of(run, found or [])] for side in read]
    failures = [Counter[str](), Counter[str]()]
    for counted, side in zip(failures, sides, strict=True):
        for known, pattern in side:
            counted[known] += int(pattern["failures"])
    before, after = map(dict, sides)
    found = []
    for known, pattern in (before | after).items():
        state: State = (
            "stayed" if known in before and known in after else "appeared" if known in after else "disappeared"
        )
        counts = failures[0][known], failures[1][known]
        found.append(PatternChange(known, _placed(pattern), str(pattern["severity"]), state, counts))
    return tuple(sorted(found, key=lambda each: (_ORDER.index(each.state), -max(each.failures), each.id))), ""


def steady(found: Comparison, itself: Comparison) -> Comparison:
    """Without the patterns that come and go where nothing was changed, as `itself`, the same code twice, shows them."""
    shaky = {each.id for each in itself.patterns if each.state != "stayed"}
    left_out = [each.title for each in found.patterns if each.id in shaky]
    if not left_out:
        return found
    note = f"Comes and goes by itself, without a change of the code, and is left out: {'; '.join(left_out)}."
    kept = tuple(each for each in found.patterns if each.id not in shaky)
    return replace(found, patterns=kept, notes=(*found.notes, note))


def _placed(pattern: Pattern) -> str:
    """What it is called, and where it is."""
    site = pattern.get("site")
    return f"{pattern['title']}, at {site['file']}:{site['line']}" if site else str(pattern["title"])


def _patterns(run: RunDir) -> list[Pattern] | None:
    try:
        listed = json.loads((run.path / _FILE).read_bytes())["patterns"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return [each for each in listed if isinstance(each, dict)]
