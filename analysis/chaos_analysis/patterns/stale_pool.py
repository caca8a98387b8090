"""Dead connections that a pool hands out: after the database ended them, requests without a fault fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.patterns import _aftermath, _words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Pattern


def find(evidence: Evidence) -> Iterator[Pattern]:
    """At most one pattern, for the pool is everybody's: at the line that got most of the dead connections from it."""
    failed = _aftermath.failures(evidence, "stale")
    if len(failed) < _aftermath.LEAST:
        return
    lines = _aftermath.failing_lines(evidence, failed)
    asking = _aftermath.asking_lines(evidence, failed)
    site = next((_words.site(*found.index[0]) for found in (asking, lines) if len(found)), None)
    n, names = wording.plural(len(failed), "request"), _words.listed(failed["endpoint"].value_counts().index)
    at = f" at {site}" if site else ""
    where = _words.listed(f"{file}:{int(line)}" for file, line, _ in lines.index)
    yield _aftermath.pattern(
        evidence,
        "stale_pool",
        failed,
        site,
        title=f"The pool hands out dead connections: {n} of {names} failed",
        summary=(
            f"After the database had ended connections that lay in the pool, {n} of {names} got one of them{at} and "
            f"failed: nobody asks whether a connection still lives before it is handed out."
        ),
        facts=(("failed at", where),) if where else (),
    )
