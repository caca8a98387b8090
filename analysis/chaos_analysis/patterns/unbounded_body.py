"""A request's body that is read to its end, however long it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Pattern
from chaos_analysis.patterns import _lacks, _words
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Estimate

_MIB = 1 << 20
_LARGE = 2 * _MIB  # a limit below this is rare, and of what is smaller most apps may want the whole
_DID = re.compile(r"(\d+) of (\d+) bytes read")


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern an endpoint. Each hit shows it by itself."""
    for endpoint, found in _met(evidence).groupby("endpoint", sort=True):
        hits = found[found["read"] >= found["sent"]]
        rate = proportion(len(hits), len(found))
        if len(hits) >= _lacks.LEAST and (rate.low or 0.0) > 0.5:
            yield _pattern(str(endpoint), hits, rate)


def _met(evidence: Evidence) -> pd.DataFrame:
    """The requests that met nothing but a large body, with the bytes that were sent and those that the app read."""
    table = evidence.outcomes
    events = table[(table["fault"] == "large_body") & table["alone"] & table["row"]]
    told = events["did"].astype(str).str.extract(_DID).astype(float)
    events = events.assign(read=told[0], sent=told[1])
    return events[events["sent"] >= _LARGE]


def _pattern(endpoint: str, hits: pd.DataFrame, rate: Estimate) -> Pattern:
    size = f"{wording.number(float(hits['sent'].max()) / _MIB)} MiB"
    of = f"{wording.count(len(hits))} of {wording.count(rate.n)}"
    answers = hits["status"].map(lambda status: f"{status:.0f}" if status else "no answer")
    return Pattern(
        id=f"unbounded_body:{endpoint}",
        finder="unbounded_body",
        title=f"{endpoint} reads whatever it is sent: bodies of {size} to the last byte ({of})",
        summary=(
            f"{endpoint} was sent bodies of {size}, and read {of} of them to the end before it answered: no limit ends "
            "it below that, and whoever sends a few at a time has the memory of the process, which all requests share."
        ),
        evidence="direct",
        severity="medium",
        endpoint=endpoint,
        failures=0,
        rate=rate,
        rules=tuple(sorted(hits["rule"].unique())),
        faults=("large_body",),
        seam="wsgi",
        facts=(("sent", size), ("answers", _words.endpoints(answers.value_counts()))),
        keys=_words.keys(hits["key"]),
    )
