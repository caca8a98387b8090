"""Ids of patterns that mean the same call in every run.

An id names a call by its function, so that lines may move. Of several calls in one function the second is `#2`, which
it is no more where the first was mended.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from chaos_analysis.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chaos_analysis.rundir import RunDir

Pattern = dict[str, Any]
_NUMBER = re.compile(r"#\d+$")


class Ids:
    """Gives a call of a function the number of one that had its line of source in an earlier run, else a free one."""

    def __init__(self) -> None:
        self._known: dict[str, list[str]] = defaultdict(list)  # by the id of all calls: the line of each number

    def of(self, run: RunDir, patterns: Sequence[Pattern]) -> list[tuple[str, Pattern]]:
        """The patterns of a run, each with its id."""
        sources = Sources.of_run(run.path / "sources", run.run)
        calls: dict[str, list[tuple[str, Pattern]]] = defaultdict(list)
        for pattern in sorted(patterns, key=_number):
            shared = _NUMBER.sub("", str(pattern["id"])) if pattern.get("site") else str(pattern["id"])
            calls[shared].append((_source(pattern, sources), pattern))
        return [pair for shared, listed in calls.items() for pair in self._numbered(shared, listed)]

    def _numbered(self, shared: str, calls: list[tuple[str, Pattern]]) -> Iterator[tuple[str, Pattern]]:
        known, given = self._known[shared], set[int]()
        for source, pattern in sorted(calls, key=lambda call: call[0] not in known):
            free = [at for at in range(len(known)) if at not in given]
            at = next((at for at in free if known[at] == source), free[0] if free else len(known))
            if at == len(known):
                known.append(source)
            given.add(at)
            yield f"{shared}#{at + 1}" if at else shared, pattern


def _number(pattern: Pattern) -> int:
    return int((pattern.get("site") or {}).get("line") or 0)


def _source(pattern: Pattern, sources: Sources) -> str:
    """The line of the call, as the run had it; "" where that is not known."""
    at = _number(pattern)
    lines = (sources.text(str(pattern["site"]["file"])) or "").splitlines() if at else []
    return lines[at - 1].strip() if at <= len(lines) and at else ""
