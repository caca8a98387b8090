"""A failed transaction that nobody rolls back: whoever gets its connection or session next fails for no reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.patterns import _aftermath, _words

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Pattern

_PLACE = ["file", "line", "function"]


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site that left a transaction behind: the last one that a fault failed before."""
    every = _placed(evidence, _aftermath.failures(evidence, "poisoned"))
    for place, failed in every[every["file"].notna()].groupby(_PLACE, sort=True):
        if len(failed) < _aftermath.LEAST:
            continue
        site = _words.site(*place)
        n, names = wording.plural(len(failed), "request"), _words.listed(failed["endpoint"].value_counts().index)
        lines = _aftermath.failing_lines(evidence, failed)
        where = _words.listed(f"{file}:{int(line)}" for file, line, _ in lines.index)
        yield _aftermath.pattern(
            evidence,
            "no_rollback",
            failed,
            site,
            title=f"A failed transaction is not rolled back: {n} of {names} failed by it without a fault of their own",
            summary=(
                f"After an error at {site} the connection or session goes to the next request as it is, still in the "
                f"transaction that failed: {n} of {names} failed by that{f' at {where}' if where else ''}."
            ),
            facts=(("failed at", where),) if where else (),
        )


def _placed(evidence: Evidence, failed: pd.DataFrame) -> pd.DataFrame:
    """Connections that a fault ends may be anybody's, wherever that fault was met: what failed after one of them is put
    to the line where the errors were raised.
    """
    ended = failed["fault"] == "stale_connections"
    lines = _aftermath.failing_lines(evidence, failed[ended])
    place = dict(zip(_PLACE, lines.index[0] if len(lines) else (None,) * len(_PLACE), strict=True))
    return failed.assign(**{name: failed[name].mask(ended, value) for name, value in place.items()})
