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
_LEAST = 5  # requests with a rule alone; of fewer, one that happened to be there would convict it


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


class _Compared(NamedTuple):
    """How often requests that met a blamed rule alone (any, where none is) led to a violation, and those with none."""

    alone: Estimate
    control: Estimate | None
    p: float | None
    blamed: frozenset[str]


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
    certain = all(violation.keys for violation in invariant.violations)
    direct = certain and all(any(way.failed for way in each) for each in ways)
    met = tuple(sorted({way.rule for each in ways for way in each}))
    compared = _compared(evidence, _involved(invariant, led) if certain else set(), met)
    named = _named(ways, None if direct else compared.blamed)
    faults, sites = dict.fromkeys(way.fault for way in named), {way.site for way in named}
    keys = [key for violation in invariant.violations for key in violation.keys or violation.suspects]
    return Pattern(
        id=f"invariant_violated:{invariant.name}",
        finder="invariant_violated",
        title=f"Violated{'' if n == 1 else f' {wording.count(n)} times'}: {invariant.name}"
        + (f" ({_words.listed(faults)})" if faults else ""),
        summary=_summary(invariant, ways, certain=certain),
        evidence="direct" if direct else "causal" if compared.blamed else "observed",
        severity="critical",
        endpoint=None,
        failures=n,
        rate=compared.alone,
        baseline=compared.control,
        p_value=compared.p,
        rules=tuple(sorted({way.rule for way in named})),
        faults=tuple(sorted(faults)),
        seam=next(iter(named)).seam if len({way.seam for way in named}) == 1 else None,
        target=_words.grouped(way.target for way in named),
        site=sites.pop() if len(sites) == 1 else None,
        facts=(
            *(("violation", violation.text) for violation in invariant.violations[1:_SHOWN]),
            *((way, f"on the way to {times} of {n}") for way, times in _told(ways).most_common(_MOST_WAYS)),
        ),
        keys=_words.keys(keys),
    )


def _named(ways: list[list[_Led]], blamed: frozenset[str] | None) -> list[_Led]:
    """The faults that the finding is put to, most frequent first: of the blamed rules (None: of all). Where none is
    blamed, those of one rule alone, if they are on the way to each violation; else they may be bystanders.
    """
    counts = [way for way, _ in Counter(way for each in ways for way in each).most_common()]
    if blamed:
        return [way for way in counts if way.rule in blamed]
    alone = all(ways) and len({way.rule for way in counts}) == 1
    return counts if blamed is None or alone else []


def _told(ways: list[list[_Led]]) -> Counter[str]:
    """How many violations each fault was on the way to, whatever the calls of one site were for."""
    return Counter(way for each in ways for way in dict.fromkeys(map(str, each)))


def _summary(invariant: Invariant, ways: list[list[_Led]], *, certain: bool) -> str:
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
        return said + f"In {free} of {len(ways)} no request that it names met a fault."
    met = "failed by" if all(any(way.failed for way in each) for each in ways) else "met"
    return said + f"Each time, a request involved {met} a fault."


def _ways(violation: Violation, led: dict[str, tuple[_Led, ...]]) -> list[_Led]:
    """The faults on the way to a violation, each once: those by which a request failed, else all that its requests
    met.
    """
    met = list(dict.fromkeys(way for key in violation.keys or violation.suspects for way in led.get(key, ())))
    return [way for way in met if way.failed] or met


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


def _compared(evidence: Evidence, involved: set[str], rules: tuple[str, ...]) -> _Compared:
    """Fisher's test for each of these rules, adjusted over them: requests that met it alone against those with none."""
    endpoints = set(evidence.met(involved)["endpoint"])
    rows = evidence.chaos[evidence.chaos["endpoint"].isin(endpoints)]
    part, control = rows["key"].isin(involved), rows["control"]
    hits, n = int(part[control].sum()), int(control.sum())
    met = {rule: rows["rule"] == rule for rule in rules}
    met = {rule: mask for rule, mask in met.items() if mask.any()}
    if not met or not n:
        return _Compared(Estimate(None, None, None, len(involved), "probability"), None, None, frozenset())
    tests = [fisher(int(part[mask].sum()), int(mask.sum()), hits, n) for mask in met.values()]
    qs = dict(zip(met, adjusted(tests), strict=True))
    blamed = frozenset(rule for rule, q in qs.items() if q < SIGNIFICANT and met[rule].sum() >= _LEAST)
    alone = rows["rule"].isin(blamed or rules)
    rate = proportion(int(part[alone].sum()), int(alone.sum()))
    return _Compared(rate, proportion(hits, n), min(qs.values()), blamed)
