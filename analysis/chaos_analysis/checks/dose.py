"""Delivered = declared: every draw is made again from what the app reached, and exactly that set must have fired."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from chaos_analysis import wording
from chaos_analysis.model import Check
from chaos_middleware.draws import MASK, limit, point, rule_hash
from chaos_middleware.injector import call_hash

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.evidence import Evidence
    from chaos_middleware.experiment import Experiment, Rule

_SHOWN = 5


class _Armed(NamedTuple):
    a: int
    b: int
    limit: int
    rule: Rule


def check(evidence: Evidence) -> Check:
    """A run that fired another set, or nothing although it should, is invalid."""
    experiment, tables = evidence.experiment, evidence.tables
    recorded = {*tables.faults["id"], *tables.suppressed["id"]}
    if experiment is None:
        return Check("dose", ok=None, summary="the experiment is not known, so no draw can be made again", fatal=False)
    if not evidence.fault_stages and not recorded:
        return Check("dose", ok=True, summary="no rule has a rate above 0 in the stages that were run")
    if tables.reached.empty and not recorded:
        summary = "nothing was injected: the app left no ledger (is ChaosMiddleware around it, with CHAOS_ENABLED=1?)"
        return Check("dose", ok=not evidence.chaos["rules"].astype(bool).any() and None, summary=summary)
    return _compare(evidence, expected(evidence, experiment), recorded)


def expected(evidence: Evidence, experiment: Experiment) -> set[str]:
    """Make every draw again; returns the ids of the events that must have been recorded, as acting or as held back."""
    due: set[str] = set()
    table = evidence.tables.reached
    rules = {rule.name: rule for rule in experiment.rules}
    for place, rows in table.groupby(["rules", "stage"], sort=False):
        names, stage = cast("tuple[tuple[str, ...], str]", place)
        armed = _arm(experiment.seed, (rules[name] for name in names if name in rules), stage)
        if armed:
            columns = (rows[name].tolist() for name in ("key", "target", "occurrence"))
            _draw(experiment.seed, armed, zip(*columns, strict=True), due)
    return due


def _arm(seed: int, rules: Iterable[Rule], stage: str) -> list[_Armed]:
    active = [rule for rule in rules if rule.rate_in(stage) > 0]
    return [_Armed(*rule_hash(seed, rule.name), limit(rule.rate_in(stage)), rule) for rule in active]


def _draw(seed: int, armed: list[_Armed], places: Iterable[tuple[str, str, int]], due: set[str]) -> None:
    attempts = any(rule.persistence == "attempt" for *_, rule in armed)
    hashes: dict[str, str] = {}
    for key, target, occurrence in places:
        at = point(seed, key, target, occurrence if attempts else 0)
        first = point(seed, key, target) if attempts and occurrence else at
        fired = [
            rule for a, b, bound, rule in armed
            if (a * (at if rule.persistence == "attempt" else first) + b) & MASK < bound
        ]  # fmt: skip
        if not fired:
            continue
        suffix = ""
        if target:
            suffix = hashes.get(target) or hashes.setdefault(target, call_hash(target))
            suffix = f":{suffix}.{occurrence}"
        due.update(f"{key}:{rule.name}{suffix}" for rule in fired)


def _compare(evidence: Evidence, due: set[str], recorded: set[str]) -> Check:
    extra, missing = recorded - due, due - recorded
    cut = _cut_off(evidence, missing)
    missing -= cut
    acted = len(set(evidence.tables.faults["id"]))
    details = (*_list("missing", missing), *_list("not due", extra), *_held_back(evidence))
    summary = f"{wording.plural(acted, 'fault')} acted"
    if cut:
        summary += f"; {wording.count(len(cut))} unknown, their requests were cut off"
    if missing or extra:
        summary += f"; {wording.count(len(missing))} missing and {wording.count(len(extra))} that were not due"
        return Check("dose", ok=False, summary=summary, details=details)
    if not acted:
        return Check("dose", ok=False, summary=f"nothing was injected ({summary})", details=details)
    return Check("dose", ok=True, summary=f"{summary}, exactly those that the seed declares", details=details)


def _cut_off(evidence: Evidence, missing: set[str]) -> set[str]:
    """Missing events of requests without an answer: their process was killed between the draw and the record."""
    if not missing:
        return set()
    rows = evidence.rows
    answered = set(rows.loc[rows["status"] != 0, "key"])
    return {event for event in missing if event.partition(":")[0] not in answered}


def _held_back(evidence: Evidence) -> list[str]:
    counts = evidence.tables.suppressed["reason"].value_counts()
    return [f"held back by {reason}: {wording.count(n)}" for reason, n in counts.items()]


def _list(label: str, events: set[str]) -> list[str]:
    more = f" and {len(events) - _SHOWN} more" if len(events) > _SHOWN else ""
    return [f"{label}: {', '.join(sorted(events)[:_SHOWN])}{more}"] if events else []
