"""The app's own tests on both revisions: what passes before must pass after."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from chaos_analysis.effect import Gate
from chaos_test.replay import gates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chaos_analysis.compare import Comparison
    from chaos_test.compare.exports import Exported

_PROGRESS = re.compile(r"\S+ *\[ *\d+%\]")  # all that a pytest says that is told twice to be quiet
_COMES_TO: dict[tuple[bool | None, bool | None], tuple[bool | None, str]] = {
    (True, True): (True, "they pass on both sides"),
    (True, False): (False, "they pass before and fail after"),
    (False, True): (True, "they fail before and pass after"),
    (False, False): (None, "they fail on both sides, which judges neither"),
}


def ask(sides: Sequence[Exported], stopped: Callable[[], bool]) -> Gate:
    """Run them, one revision after the other, as they may use the same port or file; see `replay.gates.tests`."""
    asked = []
    for side in sides:
        target = side.plan.target
        assert target.dir is not None
        asked.append(gates.tests(target.table.tests, target, gates.Copy(target.dir, target.paths), stopped))
    return of_both(*asked)


def of_both(before: Gate, after: Gate) -> Gate:
    """What the tests of both sides come to together."""
    if before.ok is None and after.ok is None:
        return after
    ok, said = _COMES_TO.get((before.ok, after.ok), (None, "only one side was asked"))
    sides = (("before", _said(before)), ("after", _said(after)))
    told = "; ".join(f"{when}: {text}" for when, text in sides if text)
    return Gate(after.name, ok, f"{said} ({told})" if told else said)


def _said(gate: Gate) -> str:
    """Without the bars that pytest draws; a progress bar alone says nothing."""
    text = gate.summary.strip("!= ")
    return "" if _PROGRESS.fullmatch(text) else text


def judged(found: Comparison, tests: Gate) -> Comparison:
    """The comparison with this gate first: what fails there only afterwards makes it worse, whatever was measured."""
    found = replace(found, gates=(tests, *found.gates))
    if tests.ok is not False:
        return found
    note = f"By the requests alone: {found.verdict}, {found.reason}."
    return replace(found, verdict="worse", reason=f"{tests.name}: {tests.summary}", notes=(*found.notes, note))
