"""A statement that nothing ends: the request takes as long as the database does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.patterns import _waits, _words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Pattern


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site. A delay of the network is none of the database's limits: only where the client gave up
    is it put down here.
    """
    for waits in _waits.passed_whole(evidence, ["slow_statement", "lock_contention"], hung=["latency"]):
        called = _words.grouped(waits.hits["dependency"]) or waits.events.target
        faults = _words.listed(sorted(waits.hits["fault"].unique()))
        nothing = f", of which {waits.hung} had no answer before the client gave up" if waits.hung else ""
        yield _waits.pattern(
            evidence,
            "no_statement_timeout",
            waits,
            title=f"Nothing ends a slow {called}: {waits.wait} passed whole to {waits.names} ({waits.of})",
            summary=(
                f"{called} at {waits.events.site} took {waits.wait} ({faults}), and so did {waits.of} requests{nothing}"
                ": no statement_timeout, lock_timeout or limit of the app's own ended it before. Whoever waits holds a "
                "connection and a worker."
            ),
        )
