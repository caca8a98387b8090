"""Does the app work without any fault?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Check
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence


def check(evidence: Evidence) -> Check:
    """What fails here is the app's own and is never blamed on a fault; it does not make the run invalid."""
    rows = evidence.baseline
    if rows.empty:
        summary = "no baseline stage: what the app fails by itself is judged by its fault-free requests only"
        return Check("baseline", ok=None, summary=summary, fatal=False)
    failed = rows[~rows["ok"]]
    rate = proportion(len(failed), len(rows))
    summary = f"{wording.count(len(failed))} of {wording.plural(len(rows), 'request')} failed before any fault"
    if failed.empty:
        return Check("baseline", ok=True, summary=summary, fatal=False)
    by_endpoint = failed["endpoint"].value_counts()
    details = tuple(f"{endpoint}: {wording.plural(n, 'failure')}" for endpoint, n in by_endpoint.items())
    return Check(
        "baseline", ok=False, summary=f"{summary} ({wording.estimate(rate)}); that is the app's own", fatal=False,
        details=details,
    )  # fmt: skip
