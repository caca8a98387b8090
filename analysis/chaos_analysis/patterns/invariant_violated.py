"""What the load's users say must be true and is not, after the run, with the requests and faults that led there."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from chaos_analysis import wording
from chaos_analysis.evidence import SIGNIFICANT
from chaos_analysis.model import Estimate, Pattern
from chaos_analysis.patterns import _words
from chaos_analysis.stats import adjusted, fisher, proportion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Invariant, Site, Violation

_SHOWN = 3
_MOST_WAYS = 6


class _Led(NamedTuple):
    """A fault on the way to a violation; `failed`: the request that met it failed by it."""

    rule: str
    fault: str
    seam: str
    target: str | None
    site: Site | None
    failed: bool

    def __str__(self) -> str:
        place = f" at {self.site}" if self.site else f" at {self.target}" if self.target else " at the edge"
        return f"{self.fault} ({self.rule}){place}"


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern an invariant that has violations."""
    violated = [each for each in evidence.tables.invariants if each.violations]
    if violated:
        led = _faults(evidence, violated)
        for each in violated:
            yield _pattern(each, led, evidence)


def _pattern(invariant: Invariant, led: dict[str, tuple[_Led, ...]], evidence: Evidence) -> Pattern:
    n = len(invariant.violations) + invariant.more
    ways = [_ways(violation, led) for violation in invariant.violations]
    counts = Counter(way for each in ways for way in each)
    first = next(iter(counts), None)
    rules = tuple(sorted({way.rule for way in counts}))
    sites = {way.site for way in counts}
    certain = all(violation.keys for violation in invariant.violations)
    alone, control, p = _compared(evidence, _involved(invariant, led) if certain else set(), rules)
    direct = certain and all(any(way.failed for way in each) for each in ways)
    known = certain and p is not None and p < SIGNIFICANT
    by = f" ({_words.listed(f'{fault}' for fault in dict.fromkeys(way.fault for way in counts))})" if counts else ""
    keys = [key for violation in invariant.violations for key in violation.keys or violation.suspects]
    return Pattern(
        id=f"invariant_violated:{invariant.name}",
        finder="invariant_violated",
        title=f"Violated{'' if n == 1 else f' {wording.count(n)} times'}: {invariant.name}{by}",
        summary=_summary(invariant, ways, certain=certain),
        evidence="direct" if direct else "causal" if known else "observed",
        severity="critical",
        endpoint=None,
        failures=n,
        rate=alone,
        baseline=control,
        p_value=p,
        rules=rules,
        faults=tuple(sorted({way.fault for way in counts})),
        seam=first.seam if first and len({way.seam for way in counts}) == 1 else None,
        target=_words.grouped(way.target for way in counts),
        site=sites.pop() if len(sites) == 1 else None,
        facts=(
            *(("violation", violation.text) for violation in invariant.violations[1:_SHOWN]),
            *((way, f"on the way to {times} of {n}") for way, times in _told(ways).most_common(_MOST_WAYS)),
        ),
        keys=_words.keys(keys),
    )


def _told(ways: list[set[_Led]]) -> Counter[str]:
    """How many violations each fault was on the way to, whatever the calls of one site were for."""
    return Counter(way for each in ways for way in {str(way) for way in each})


def _summary(invariant: Invariant, ways: list[set[_Led]], *, certain: bool) -> str:
    """The first violation, and what is known of how it came about."""
    said = f"After the run, {invariant.violations[0].text}"
    rest = len(invariant.violations) + invariant.more - 1
    said += f"; and {wording.count(rest)} more. " if rest else ". "
    if not any(violation.keys or violation.suspects for violation in invariant.violations):
        return said + "It names no request, so nothing can be said of what led there."
    free = sum(1 for each in ways if not each)
    if free == len(ways):
        return said + "No request involved met a fault: a bug of the app's own, not resilience."
    if not certain:
        return said + "Which of the requests that failed or got no answer led there, the service does not tell."
    if free:
        return said + f"In {free} of {len(ways)} no request involved met a fault: those are the app's own."
    met = "failed by" if all(any(way.failed for way in each) for each in ways) else "met"
    return said + f"Each time, a request involved {met} a fault."


def _ways(violation: Violation, led: dict[str, tuple[_Led, ...]]) -> set[_Led]:
    """The faults on the way to a violation: those by which a request failed, else all that its requests met."""
    met = {way for key in violation.keys or violation.suspects for way in led.get(key, ())}
    return {way for way in met if way.failed} or met


def _faults(evidence: Evidence, violated: list[Invariant]) -> dict[str, tuple[_Led, ...]]:
    """For each request of a violation the fault that it failed by, else all that it met."""
    wanted = {key for each in violated for one in each.violations for key in (*one.keys, *one.suspects)}
    columns = ["key", "rule", "fault", "seam", "target", "file", "line", "function"]
    causes = evidence.causes
    blamed = causes[causes["key"].isin(wanted) & (causes["cause"] != "none")]
    faults = evidence.tables.faults
    harmful = (faults["fault"] != "noop") & faults["key"].isin(wanted) & ~faults["key"].isin(blamed["key"])
    led: dict[str, tuple[_Led, ...]] = {}
    for table, failed in ((blamed, True), (faults[harmful], False)):
        for key, rule, fault, seam, target, *place in table[columns].itertuples(index=False):
            call = target if isinstance(target, str) else None
            way = _Led(rule, fault, seam, call, _words.site(*place), failed)
            led[key] = (*led.get(key, ()), way)
    return led


def _involved(invariant: Invariant, led: dict[str, tuple[_Led, ...]]) -> set[str]:
    """Of each violation the requests that met a fault, else all: a repetition that met none did not cause it."""
    involved = (([key for key in each.keys if key in led] or each.keys) for each in invariant.violations)
    return {key for keys in involved for key in keys}


def _compared(
    evidence: Evidence, involved: set[str], rules: tuple[str, ...]
) -> tuple[Estimate, Estimate | None, float | None]:
    """How often requests with one of the rules alone led to a violation, how often those with none did, and whether
    that is chance: Fisher, adjusted over the rules.
    """
    endpoints = set(evidence.met(involved)["endpoint"])
    rows = evidence.chaos[evidence.chaos["endpoint"].isin(endpoints)]
    part, control = rows["key"].isin(involved), rows["control"]
    hits, n = int(part[control].sum()), int(control.sum())
    met = [rows["rule"] == rule for rule in rules]
    tests = [fisher(int(part[mask].sum()), int(mask.sum()), hits, n) for mask in met if mask.any()]
    if not tests or not n:
        return Estimate(None, None, None, len(involved), "probability"), None, None
    alone = rows["rule"].isin(rules)
    return proportion(int(part[alone].sum()), int(alone.sum())), proportion(hits, n), min(adjusted(tests))
