"""What the figures of a change come to, in the words improved, worse, no difference, inconclusive, not comparable.

In this order: a gate that does not hold; failures (exact McNemar, adjusted over all changes that are judged together,
and the blocks must agree); how long requests without a fault take; the time to a useful answer, in which failures
count; and only where the interval keeps inside the tolerances, that nothing changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.effect import settling
from chaos_analysis.effect.settling import Tested, is_clear
from chaos_analysis.effect.values import ENDPOINTS, IMPORTS, RUNS, Effect, Gate, Measured, Verdict, improved_under
from chaos_analysis.stats import adjusted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIGNIFICANT = 0.02  # two things are tested, failures and time: about 0.04 in all where nothing changed
INTERACT = 0.2  # blocks that agree less than this do not bear out what the requests say
SAME_RATE = 0.03  # a difference of failure rates inside this, with its interval, is none
SAME_TIME = 1.25  # and so is a ratio of times inside this
SLOWER = 1.1  # less than that nobody cares for
FELT = 5.0  # ms; less than that nobody feels, and one process of the same code has it over another on a busy machine
LEAST_PAIRS = 30


def judge(measured: Sequence[Measured], gates: Sequence[Gate] = ()) -> Effect:
    """One change alone; `gates` are those that were asked before the replay."""
    return judge_all({"": (measured, gates)})[""]


def judge_all(
    changes: Mapping[str, tuple[Sequence[Measured], Sequence[Gate]]], placebo: Measured | None = None
) -> dict[str, Effect]:
    """Changes that were measured together, by name: p-values are adjusted over all of them.

    `placebo`: what a change that changes nothing came to beside them, by which longer times are told from noise.
    """
    told = [(name, measured[0]) for name, (measured, _) in changes.items() if measured]
    failures = tested([each.p_value for _, each in told])
    gained = _gained([other for measured, _ in changes.values() for other in measured[1:]])
    times = tested([1.0 if each.useful_p is None else each.useful_p for _, each in told])
    certain = {name: pair for (name, _), pair in zip(told, zip(failures, times, strict=True), strict=True)}
    noise = SAME_TIME if placebo is None else max(SAME_TIME, placebo.latency.high or 0.0)
    return {
        name: _whole(certain.get(name), tuple(each), tuple(gates), noise, gained)
        for name, (each, gates) in changes.items()
    }


def tested(p_values: Sequence[float]) -> list[Tested]:
    """Each of the p-values of one question, adjusted over all of them."""
    pairs = zip(p_values, adjusted(p_values), strict=True)
    return [Tested(p, q, len(p_values), SIGNIFICANT) for p, q in pairs]


def _gained(others: Sequence[Measured]) -> list[Measured]:
    """Those that take failures away under another condition, as certain of all of them as a verdict is."""
    certain = tested([each.p_value for each in others])
    return [each for each, sure in zip(others, certain, strict=True) if sure.holds and _is_gain(each)]


def _is_gain(each: Measured) -> bool:
    return each.rescued > each.broken and each.pairs >= LEAST_PAIRS and not _disagree(each)


def _disagree(each: Measured) -> bool:
    """Whether blocks do not bear out what the requests say."""
    return each.steady is not None and each.steady > INTERACT


def _whole(
    certain: tuple[Tested, Tested] | None,
    measured: tuple[Measured, ...],
    gates: tuple[Gate, ...],
    noise: float,
    gained: Sequence[Measured],
) -> Effect:
    """The verdict under the first condition; the others can show what it costs there, and are told where it helps."""
    blank = Effect("inconclusive", "", gates=gates, measured=measured)
    refused = next((gate for gate in gates if gate.ok is False), None)
    if refused:
        word: Verdict = "not comparable" if refused.name == IMPORTS else "worse"
        return replace(blank, verdict=word, reason=f"{refused.name}: {refused.summary}")
    if certain is None:
        why = next((gate.summary for gate in gates if gate.name == RUNS), "it was not replayed")
        return replace(blank, verdict="not comparable", reason=why)
    first, *others = measured
    found = _one(first, *certain, _dear(first, noise))
    if found.verdict not in {"worse", "not comparable"}:
        for other in others:
            cost, costly = _cost(other)
            gain = f"{improved_under(other.condition)}: {_counts(other)}" if other in gained else ""
            found = replace(found, verdict="worse", reason=cost) if costly else _and(found, gain or cost)
    if part := next((gate for gate in gates if gate.name == ENDPOINTS), None):
        found = _and(_of_part(found), part.summary)
    saved = None if first.difference.value is None else -1000 * first.difference.value
    return replace(blank, verdict=found.verdict, reason=found.reason, need=found.need, saved=saved)


def _of_part(found: Effect) -> Effect:
    """Where endpoints are left out nobody knows that nothing differs."""
    return replace(found, verdict="inconclusive") if found.verdict == "no difference" else found


def _and(found: Effect, more: str) -> Effect:
    return replace(found, reason=f"{found.reason}; {more}") if more else found


def _cost(each: Measured) -> tuple[str, bool]:
    """What a change costs where it cannot help, and whether that is harm.

    A timeout gives up what would have come late: that is told, and whoever knows how often calls stay slow weighs it.
    Harm is a gate that does not hold, and callers who wait longer.
    """
    gate = next((gate for gate in each.gates if gate.ok is False), None)
    if gate:
        return f"{gate.name} under {each.condition}: {gate.summary}", True
    said = f"under {each.condition} {_counts(each)}"
    slower = each.useful_p is not None and each.useful_p < SIGNIFICANT and (each.useful.low or 0) > SAME_TIME
    if slower:
        return f"under {each.condition} {wording.number(each.useful.value or 1)} times as long to a useful answer", True
    return said if each.broken > each.rescued else "", False


def _counts(each: Measured) -> str:
    return f"{each.rescued} rescued, {each.broken} newly broken"


def _one(each: Measured, failures: Tested, times: Tested, dear: str) -> Effect:
    gate = next((gate for gate in each.gates if gate.ok is False), None)
    if gate:
        word: Verdict = "not comparable" if gate.name == "injection points" else "worse"
        return Effect(word, f"{gate.name}: {gate.summary}")
    if each.pairs < LEAST_PAIRS:
        return Effect("inconclusive", f"{wording.plural(each.pairs, 'pair')}, too few", need=LEAST_PAIRS)
    counted = f"{_counts(each)} of {wording.plural(each.pairs, 'request')}"
    if failures.holds:
        return _of_failures(each, counted, dear)
    if dear:
        return Effect("worse", f"{dear}; {counted}")
    return _of_times(each, times, counted) or _open(each, failures, times, counted)


def _of_times(each: Measured, times: Tested, counted: str) -> Effect | None:
    """The failures do not differ: it counts how long a useful answer takes; None where that does not tell either."""
    slower, faster = _times(each)
    if times.holds and (slower or faster):
        return Effect("worse" if slower else "improved", f"{_ratio(each)}; {counted}")
    return Effect("no difference", counted) if _same(each) else None


def _open(each: Measured, failures: Tested, times: Tested, counted: str) -> Effect:
    """Neither is settled: why not, where the interval would have it settled, and how many pairs would do it."""
    need = settling.of_failures(each, failures)
    if is_clear(each.difference, 0.0):
        return Effect("inconclusive", f"{counted}; {failures.said()}", need=need)
    if any(_times(each)) and is_clear(each.useful, 1.0):
        need = settling.of_times(each, times)
        return Effect("inconclusive", f"{_ratio(each)}, {times.said()}; {counted}", need=need)
    return Effect("inconclusive", counted, need=need)


def _ratio(each: Measured) -> str:
    return f"{wording.number(each.useful.value or 1)} times as long to a useful answer"


def _of_failures(each: Measured, counted: str, dear: str) -> Effect:
    """The failures differ; it counts where blocks bear it out, and where it is not paid for in time."""
    if _disagree(each):
        need = 2 * each.pairs
        return Effect("inconclusive", f"requests interact, the blocks disagree: {counted}", need=need)
    if each.broken > each.rescued:
        return Effect("worse", counted)
    return Effect("worse", f"{dear}; {counted}") if dear else Effect("improved", counted)


def _dear(each: Measured, noise: float) -> str:
    """What fault-free requests pay for the change; "" where it is nothing, or a ratio no larger than `noise`. Told
    apart from the time to a useful answer, in which failures, each a whole deadline, drown it.
    """
    if each.latency_p is None or each.latency_p >= SIGNIFICANT or (each.latency.low or 0) <= noise:
        return ""
    if not _is_felt(each.latency_ms):
        return ""
    return f"requests without a fault take {wording.number(each.latency.value or 1)} times as long"


def _times(each: Measured) -> tuple[bool, bool]:
    """Whether it takes longer, or less, to get a useful answer, by more than anybody would let pass."""
    value = each.useful.value
    if value is None or not _is_felt(each.useful_ms):
        return False, False
    return value > SLOWER, value < 1 / SLOWER


def _is_felt(more: float | None) -> bool:
    """Whether so many milliseconds matter, more or less."""
    return more is None or abs(more) >= FELT


def _same(each: Measured) -> bool:
    low, high = each.difference.low, each.difference.high
    quick, slow = each.useful.low, each.useful.high
    if low is None or high is None or not -SAME_RATE < low <= high < SAME_RATE:
        return False
    return quick is None or slow is None or (quick > 1 / SAME_TIME and slow < SAME_TIME)
