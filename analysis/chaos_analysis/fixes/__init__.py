"""Proposals: what to change for the patterns that were found, as patches against the source that ran.

One kind of fix a file. A new one is a class like the others, a line in `FIXES`, and its cases.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from chaos_analysis.fixes._advice import ADVICE, in_words
from chaos_analysis.fixes._evidence import Evidence
from chaos_analysis.fixes.backoff import Backoff
from chaos_analysis.fixes.body_limit import BodyLimit
from chaos_analysis.fixes.bulkhead import Bulkhead
from chaos_analysis.fixes.cache_as_miss import CacheAsMiss
from chaos_analysis.fixes.circuit_breaker import CircuitBreaker
from chaos_analysis.fixes.fallback import Fallback
from chaos_analysis.fixes.fan_out import FanOut
from chaos_analysis.fixes.http_timeout import HttpTimeout
from chaos_analysis.fixes.idempotency_key import IdempotencyKey
from chaos_analysis.fixes.limit_in_flight import LimitInFlight
from chaos_analysis.fixes.narrow_except import NarrowExcept
from chaos_analysis.fixes.outside_lock import OutsideLock
from chaos_analysis.fixes.pool_pre_ping import PoolPrePing
from chaos_analysis.fixes.pool_timeout import PoolTimeout
from chaos_analysis.fixes.raise_for_status import RaiseForStatus
from chaos_analysis.fixes.retry import Retry
from chaos_analysis.fixes.retry_with_stamina import RetryWithStamina
from chaos_analysis.fixes.rollback import Rollback
from chaos_analysis.fixes.statement_timeout import StatementTimeout
from chaos_analysis.fixes.transaction_retry import TransactionRetry
from chaos_analysis.fixes.unavailable import Unavailable
from chaos_analysis.fixes.validate_body import ValidateBody

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from chaos_analysis.fixes._fix import Fix
    from chaos_analysis.model import Pattern, Proposal, Tables
    from chaos_analysis.sources import Sources

__all__ = ["FIXES", "advise", "propose"]

# Innermost first, as they would stand at one call: timeout, then retry; then what only tells failures better.
FIXES: tuple[Fix, ...] = (
    HttpTimeout(),
    CacheAsMiss(),
    PoolPrePing(),
    PoolTimeout(),
    StatementTimeout(),
    Rollback(),
    TransactionRetry(),
    CircuitBreaker(),
    Retry(),
    RetryWithStamina(),
    Backoff(),
    IdempotencyKey(),
    Fallback(),
    Bulkhead(),
    OutsideLock(),
    FanOut(),
    LimitInFlight(),
    BodyLimit(),
    NarrowExcept(),
    ValidateBody(),
    RaiseForStatus(),
    Unavailable(),
)
_MEASURED = ("error_rate", "tail_latency")  # and mostly explained by others: then they are `low`


def propose(
    patterns: Sequence[Pattern],
    tables: Tables,
    sources: Sources,
    run: Mapping[str, Any],
    lasting: Collection[str] = (),
) -> tuple[Proposal, ...]:
    """Proposals for the patterns of a run; first those with a diff, then those that rescue, then by failures addressed.

    `run` is run.json, `lasting` the rules of persistence `request`. Each diff is made against the recorded source
    alone: of two at one place, only one applies. What a diff answers gets no advice in words beside it.
    """
    evidence = Evidence(patterns, tables, sources, run, frozenset(lasting))
    found = _with_parts(_merged(proposal for fix in FIXES for proposal in fix.propose(evidence)), patterns)
    answered = {name for each in found if each.diff for name in each.patterns if not name.startswith(_left(each))}
    others = [each for each in patterns if each.id not in answered and _needs_words(each)]
    found += in_words(others, "what to do here is for people to decide")
    rescuing = {fix.name for fix in FIXES if fix.rescues}
    return _numbered(
        sorted(found, key=lambda each: (not each.diff, bool(each.diff) and each.fix not in rescuing, -each.failures))
    )


def advise(patterns: Iterable[Pattern]) -> tuple[Proposal, ...]:
    """Proposals in words, by failures addressed: for statistics that come without source or ledger."""
    words = in_words(patterns, "Locust's statistics name no line of source")
    return _numbered(sorted(words, key=lambda each: -each.failures))


def _needs_words(pattern: Pattern) -> bool:
    """Whether there is something to say of a pattern for which there is no diff."""
    explained = pattern.finder in _MEASURED and pattern.severity == "low"
    return pattern.finder in ADVICE and not explained


def _fix(proposal: Proposal) -> Fix:
    return next(fix for fix in FIXES if fix.name == proposal.fix)


def _left(proposal: Proposal) -> tuple[str, ...]:
    """How the ids of patterns begin whose advice in words holds beside this proposal's diff."""
    return tuple(f"{finder}:" for finder in _fix(proposal).leaves)


def _with_parts(found: list[Proposal], patterns: Sequence[Pattern]) -> list[Proposal]:
    """The proposals, those with a diff naming also what is lacking at their calls and comes with the change."""
    sites = {pattern.id: pattern.site for pattern in patterns}
    for pattern in patterns:
        for place, each in enumerate(found):
            there = pattern.site is not None and pattern.site in [sites.get(name) for name in each.patterns]
            if each.diff and there and pattern.finder in _fix(each).mends:
                found[place] = replace(each, patterns=tuple(dict.fromkeys([*each.patterns, pattern.id])))
                break
    return found


def _merged(proposals: Iterable[Proposal]) -> list[Proposal]:
    """Proposals of one fix with the same diff, such as retries on a session that several calls share, as one."""
    found = list(proposals)
    return [_one([*same]) for _, same in groupby(sorted(found, key=_sameness), key=_sameness)]


def _sameness(proposal: Proposal) -> tuple[str, str, str, int]:
    return proposal.fix, proposal.diff, proposal.file or "", 0 if proposal.diff else proposal.line or 0


def _one(same: list[Proposal]) -> Proposal:
    """The proposal that addresses most failures, with the others' patterns and failures added."""
    ranked = sorted(same, key=lambda proposal: -proposal.failures)
    others = [f"{each.file}:{each.line}" for each in ranked[1:]]
    return replace(
        ranked[0],
        patterns=tuple(dict.fromkeys(name for each in ranked for name in each.patterns)),
        failures=sum(each.failures for each in ranked),
        why=ranked[0].why + (f" The same change serves {' and '.join(others)}." if others else ""),
    )


def _numbered(ranked: Iterable[Proposal]) -> tuple[Proposal, ...]:
    return tuple(
        replace(each, number=number, patch=f"fixes/{number:02}-{each.fix}.patch" if each.diff else None)
        for number, each in enumerate(ranked, start=1)
    )
