"""Delivered = declared: every draw is made again from what the app reached, and exactly that set must have fired."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from chaos_analysis import wording
from chaos_analysis.model import Check
from chaos_middleware.draws import call_hash, limit, pointer, rule_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from chaos_analysis.evidence import Evidence
    from chaos_middleware.experiment import Experiment, Rule

_SHOWN = 5
_LOW = np.uint64(11)  # bits of a 64-bit point that a draw does not use; without them a rate of 1 has a bound, too


def check(evidence: Evidence) -> Check:
    """A run that fired another set, or nothing although it should, is invalid."""
    experiment, tables = evidence.experiment, evidence.tables
    recorded = {*tables.faults["id"], *tables.suppressed["id"]}
    if experiment is None:
        return Check("dose", ok=None, summary="the experiment is not known, so no draw can be made again", fatal=False)
    if not evidence.fault_stages and not recorded:
        planned = [s.name for s in experiment.stages if any(rule.rate_in(s.name) > 0 for rule in experiment.rules)]
        if planned and len(evidence.rows):  # without any request that is said instead
            summary = f"nothing was injected: no request was sent in {' or '.join(planned)}, where the faults are"
            return Check("dose", ok=False, summary=summary)
        if not experiment.rules and len(evidence.rows):
            return Check("dose", ok=True, summary="nothing was to be injected: the experiment has no rules")
        return Check("dose", ok=True, summary="no rule has a rate above 0 in the stages that were run")
    if tables.reached.empty and not recorded:
        return _no_ledger(evidence)
    return _compare(evidence, expected(evidence, experiment), recorded, _dropped(evidence, experiment))


def expected(evidence: Evidence, experiment: Experiment) -> set[str]:
    """Make every draw again; returns the ids of the events that must have been recorded, as acting or as held back."""
    due: set[str] = set()
    rules = {rule.name: rule for rule in experiment.rules}
    reached = evidence.tables.reached
    for place, met in reached.groupby(["part", "plan", "stage"], sort=False).indices.items():
        *_, stage = cast("tuple[str, int, str]", place)
        names: tuple[str, ...] = reached["rules"].iloc[met[0]]
        rated = [(rules[name], rules[name].rate_in(stage)) for name in names if name in rules]
        active = [(rule, rate) for rule, rate in rated if rate > 0]
        if active:
            places = reached[["key", "target", "occurrence"]].iloc[met]
            due.update(_fired(experiment.seed, active, places))
    return due


def _fired(seed: int, rules: list[tuple[Rule, float]], rows: pd.DataFrame) -> Iterator[str]:
    """The ids of what fires at these places: the draw of chaos_middleware/draws.py, for a whole plan at once."""
    keys, targets, counts = (rows[name].tolist() for name in ("key", "target", "occurrence"))
    each = _points(seed, keys, targets, counts)
    first = _points(seed, keys, targets, [0] * len(keys)) if any(counts) else each
    for rule, rate in rules:
        a, b = (np.uint64(number) for number in rule_hash(seed, rule.name))
        numbers = (each if rule.persistence == "attempt" else first) * a + b
        for place in np.flatnonzero(numbers >> _LOW < np.uint64(limit(rate) >> int(_LOW))).tolist():
            call = f":{call_hash(targets[place])}.{counts[place]}" if targets[place] else ""
            yield f"{keys[place]}:{rule.name}{call}"


def _points(seed: int, keys: list[str], targets: list[str], counts: list[int]) -> NDArray[np.uint64]:
    points = map(pointer(seed), keys, targets, counts)
    return np.fromiter(points, dtype=np.uint64, count=len(keys))


def _no_ledger(evidence: Evidence) -> Check:
    """Without a ledger the answers' headers may still name faults, which nothing can be compared with."""
    if evidence.rows["rules"].astype(bool).any():
        summary = "the answers name faults, but the app's ledger is out of reach: no draw can be made again"
        return Check("dose", ok=None, summary=summary)
    summary = "nothing was injected: the app left no ledger (is ChaosMiddleware around it, with CHAOS_ENABLED=1?)"
    return Check("dose", ok=False, summary=summary)


def _dropped(evidence: Evidence, experiment: Experiment) -> set[str]:
    """The ids of what did not act and whose reason is not true: an injector that loses faults must not pass."""
    held = evidence.tables.suppressed
    rules = {rule.name: rule for rule in experiment.rules}
    acted = set(evidence.tables.faults["key"])
    columns = (held[name].tolist() for name in ("id", "key", "rule", "reason"))
    return {
        event
        for event, key, name, reason in zip(*columns, strict=True)
        if name not in rules or not _is_true(reason, rules[name], key, acted, experiment.seed)
    }


def _is_true(reason: str, rule: Rule, key: str, acted: set[str], seed: int) -> bool:
    if reason == "gate" and rule.gate.every is not None:
        return rule_hash(seed, f"{rule.name}:gate").u(pointer(seed)(key, "", 0)) >= 1 / rule.gate.every
    if reason == "gate":
        return rule.gate.first is not None
    if reason == "preempted":
        return key in acted
    return reason != "unreached" or rule.phase == "after"


def _compare(evidence: Evidence, due: set[str], recorded: set[str], dropped: set[str]) -> Check:
    extra, missing = recorded - due, due - recorded
    cut = _cut_off(evidence, missing)
    missing -= cut
    acted = len(set(evidence.tables.faults["id"]))
    details = (
        *_list("missing", missing),
        *_list("not due", extra),
        *_list("dropped without reason", dropped),
        *_held_back(evidence),
    )
    summary = f"{wording.plural(acted, 'fault')} acted"
    if cut:
        summary += f"; {wording.count(len(cut))} unknown, their requests were cut off"
    if missing or extra or dropped:
        summary += f"; {wording.count(len(missing))} missing and {wording.count(len(extra))} that were not due"
        summary += f"; {wording.count(len(dropped))} dropped without reason" if dropped else ""
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
