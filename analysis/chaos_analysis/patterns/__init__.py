"""Findings over many requests. One finder a file, each with `find(evidence) -> Iterator[Pattern]`.

Evidence is `direct` where the requests themselves show it (the exception came from the faulted line), `causal` where
requests with that fault alone failed significantly more often than those with none (Fisher, adjusted over all tests of
the run), `model` where only a logistic model of requests with several faults shows it, and `observed` where it is a
difference without a proven cause.

Severity: `critical`, a single fault fails at least half of the requests that meet it (the whole interval says so), or
requests hang until the client gives up; `high`, it fails at least a tenth, hides itself, or takes down requests that
met no fault; `medium`, less; `low`, what was injected at the edge, where the app has no say, errors that the app tells
itself, and what other findings explain already.

Rank: what must not be (`invariant_violated`), then what the app can change before what it cannot (`low`), then by
requests failed or held up, then by failure rate.

`FINDERS` say what goes wrong. `LACKS` say what the app lacks at a call site: such a pattern is a part of the worst
that goes wrong there, and stands right behind it; a part of `high` severity or more raises the whole to its own. Where
nothing goes wrong there, it names no site, or it is so grave and what goes wrong is `low`, it stands alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from chaos_analysis.model import Severity
from chaos_analysis.patterns import (
    cache_on_critical_path,
    collateral,
    dependency_error,
    error_rate,
    fault_window,
    head_of_line_blocking,
    invariant_violated,
    lasting_damage,
    missing_backoff,
    missing_timeout,
    n_plus_one,
    no_fallback,
    no_retry,
    no_rollback,
    no_statement_timeout,
    no_transaction_retry,
    non_idempotent_retry,
    pool_wait,
    resource_leak,
    retry_storm,
    slow_recovery,
    stale_pool,
    tail_latency,
    unbounded_body,
    unchecked_body,
    unhandled_exception,
    unmapped_error,
    work_after_client_left,
    wrong_content,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import ModuleType

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Pattern

FINDERS = (
    invariant_violated,
    missing_timeout,
    no_statement_timeout,
    pool_wait,
    stale_pool,
    no_rollback,
    dependency_error,
    wrong_content,
    resource_leak,
    fault_window,
    collateral,
    head_of_line_blocking,
    slow_recovery,
    lasting_damage,
    unhandled_exception,
    tail_latency,
    error_rate,
)

SEVERITIES = get_args(Severity)[::-1]  # the least first
_LATER = ("no_rollback", "stale_pool", "lasting_damage")

LACKS: tuple[ModuleType, ...] = (
    no_retry,
    unmapped_error,
    retry_storm,
    missing_backoff,
    unchecked_body,
    n_plus_one,
    non_idempotent_retry,
    no_fallback,
    cache_on_critical_path,
    no_transaction_retry,
    work_after_client_left,
    unbounded_body,
)


def find_all(evidence: Evidence) -> tuple[Pattern, ...]:
    """What every finder finds, ranked, each followed by its parts."""
    return arranged(find_wholes(evidence), find_lacks(evidence))


def find_wholes(evidence: Evidence) -> tuple[Pattern, ...]:
    """What `FINDERS` find, ranked; `find_lacks` neither needs it nor changes it."""
    return ranked(_told_apart(pattern for finder in FINDERS for pattern in finder.find(evidence)))


def find_lacks(evidence: Evidence) -> tuple[Pattern, ...]:
    """What `LACKS` find, ranked."""
    return ranked(_told_apart(pattern for finder in LACKS for pattern in finder.find(evidence)))


def arranged(wholes: Sequence[Pattern], lacks: Sequence[Pattern]) -> tuple[Pattern, ...]:
    """All of them ranked, each followed by its parts."""
    parts = [replace(lack, part_of=_whole(lack, wholes)) for lack in lacks]
    raised = (_raised(whole, [part for part in parts if part.part_of == whole.id]) for whole in wholes)
    found = ranked([*raised, *(part for part in parts if part.part_of is None)])
    return tuple(each for whole in found for each in (whole, *(part for part in parts if part.part_of == whole.id)))


def _raised(whole: Pattern, parts: Sequence[Pattern]) -> Pattern:
    """The whole, no less severe than its graver parts, with the one that it is so severe for."""
    worst = max(parts, key=lambda part: SEVERITIES.index(part.severity), default=whole)
    if not _is_grave(worst) or SEVERITIES.index(worst.severity) <= SEVERITIES.index(whole.severity):
        return whole
    return replace(whole, severity=worst.severity, facts=(*whole.facts, (f"{worst.severity} for", worst.title)))


def _whole(lack: Pattern, wholes: Iterable[Pattern]) -> str | None:
    """The first of these at the call site of what is lacking; rather not one of what later requests failed by."""
    here = [whole for whole in wholes if lack.site is not None and whole.site == lack.site]
    if _is_grave(lack):
        here = [whole for whole in here if whole.severity != "low"]
    return next((whole.id for whole in sorted(here, key=lambda one: one.finder in _LATER)), None)


def _is_grave(pattern: Pattern) -> bool:
    return SEVERITIES.index(pattern.severity) >= SEVERITIES.index("high")


def _told_apart(patterns: Iterable[Pattern]) -> Iterator[Pattern]:
    """Ids name a call by its function, as lines move from run to run: a second call in one is `#2`."""
    met: Counter[str] = Counter()
    for pattern in sorted(patterns, key=lambda each: each.site.line if each.site else 0):
        met[pattern.id] += 1
        yield pattern if met[pattern.id] == 1 else replace(pattern, id=f"{pattern.id}#{met[pattern.id]}")


def ranked(patterns: Iterable[Pattern]) -> tuple[Pattern, ...]:
    """Patterns in the order in which people should look at them."""
    return tuple(sorted(patterns, key=_rank))


def _rank(pattern: Pattern) -> tuple[bool, bool, int, float, str]:
    harm = pattern.failures + pattern.slow
    mishap = pattern.finder != "invariant_violated"
    return mishap, pattern.severity == "low", -harm, -(pattern.rate.value or 0.0), pattern.id
