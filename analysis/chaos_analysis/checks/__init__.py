"""Questions to the run itself, before anything is concluded from it. One file a check: `check(evidence) -> Check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.checks import (
    baseline,
    call_sites,
    control,
    data,
    dose,
    ended,
    events,
    exceptions,
    invariants,
    load_generator,
    neighbours,
    objectives,
    records,
    resources,
)

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Check

CHECKS = (
    *(ended, data, dose, records, objectives, baseline, control, events, call_sites, exceptions),
    *(invariants, resources, load_generator, neighbours),
)


def check_all(evidence: Evidence) -> tuple[Check, ...]:
    """Every check, in the order in which people should read them."""
    return tuple(module.check(evidence) for module in CHECKS)
