"""All that is found out about what the app did with its faults, and the same as JSON values for outcomes.json."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from chaos_analysis.model import to_json

if TYPE_CHECKING:
    from chaos_analysis.outcomes.later import Later
    from chaos_analysis.outcomes.sites import SiteOutcomes
    from chaos_analysis.several import Modelled

ALL_OF = 5000
SAMPLE = 1000
COLUMNS = [
    *("id", "key", "stage", "rule", "fault", "seam", "phase", "call", "file", "line", "endpoint", "status"),
    *("outcome", "tier", "judged", "why", "error", "frame", "attempts", "waits", "injected", "added"),
]


@dataclass(frozen=True)
class Outcomes:
    """The events (`outcomes.table`), call sites by fault, what later requests suffered, what the model was asked."""

    events: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=COLUMNS))
    sites: tuple[SiteOutcomes, ...] = ()
    later: tuple[Later, ...] = ()
    modelled: tuple[Modelled, ...] = ()


def as_json(outcomes: Outcomes, seed: Any) -> dict[str, Any]:
    """What stands in outcomes.json: every event of a small run, of a large one a sample that is always the same."""
    events = outcomes.events
    whole = len(events) <= ALL_OF
    chosen = range(len(events)) if whole else sorted(random.Random(f"{seed}").sample(range(len(events)), SAMPLE))  # noqa: S311 - no secret
    values = zip(*(events[name].iloc[list(chosen)].tolist() for name in COLUMNS), strict=True)
    return {
        "sites": to_json(outcomes.sites),
        "later": to_json(outcomes.later),
        "modelled": to_json(outcomes.modelled),
        "events": {
            "total": len(events),
            "sample": not whole,
            "columns": COLUMNS,
            "rows": [list(row) for row in values],
        },
    }
