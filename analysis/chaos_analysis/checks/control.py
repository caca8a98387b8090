"""Can causes be told apart: are there enough requests with no fault, and with exactly one?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Check

if TYPE_CHECKING:
    from chaos_analysis.comparison import Comparison
    from chaos_analysis.evidence import Evidence

COARSE = 0.5


def check(evidence: Evidence) -> Check:
    """The run can tell causes apart where a rise by 50 points would be seen for each rule, four times in five."""
    if not evidence.fault_stages:
        return Check("control", ok=None, summary="no stage injects faults", fatal=False)
    singles = evidence.chaos.loc[~evidence.chaos["control"], "rule"].value_counts()
    seen = {rule: evidence.comparison(rule) for rule in _rules(evidence)}
    details = tuple(_told(rule, int(singles.get(rule, 0)), comparison) for rule, comparison in seen.items())
    rises = {rule: comparison.rise for rule, comparison in seen.items()}
    coarse = [rule for rule, rise in rises.items() if rise is None or rise > COARSE]
    summary = f"{wording.plural(len(evidence.control), 'request')} met no fault while faults were on, "
    summary += f"{wording.count(int(singles.drop('+', errors='ignore').sum()))} exactly one, "
    summary += f"{wording.count(int(singles.get('+', 0)))} several"
    if coarse:
        summary += f"; too few to see what these do: {', '.join(coarse)}"
    elif rises:
        worst = max(rise for rise in rises.values() if rise is not None)
        summary += f"; a rise in failures by {wording.number(worst * 100)} points shows for every rule"
    return Check("control", ok=not coarse, summary=summary, fatal=False, details=details)


def _told(rule: str, alone: int, comparison: Comparison) -> str:
    said = f"{rule}: {wording.plural(alone, 'request')} with this fault alone"
    if comparison.rise is None:
        return f"{said}; too few to see any rise in failures"
    rise = wording.number(comparison.rise * 100)
    where = f"of {comparison.endpoint} ({comparison.alone} against {wording.count(comparison.control)} without)"
    return f"{said}; a rise in failures {where} by {rise} points is seen four times in five"


def _rules(evidence: Evidence) -> list[str]:
    if evidence.experiment is None:
        return sorted(set(evidence.chaos["rule"]) - {"", "+"})
    stages = evidence.fault_stages
    rules = [rule.name for rule in evidence.experiment.rules if any(rule.rate_in(stage) > 0 for stage in stages)]
    return [rule for rule in rules if rule not in evidence.idle_rules]
