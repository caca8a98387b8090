"""How the report's claims were come by: what was compared, by which test, at which level, and what it could not see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.effect.judging import SAME_RATE, SAME_TIME
from chaos_analysis.effect.judging import SIGNIFICANT as OF_EFFECTS
from chaos_analysis.evidence import BETWEEN_STAGES, SIGNIFICANT
from chaos_analysis.several import CLAIMED
from chaos_analysis.stats.quantile import need

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chaos_analysis.effect.values import Effect
    from chaos_analysis.model import Analysis

_MOST = 6
_INTERVALS = (
    "95 %: of shares Wilson's (Clopper-Pearson's at none and all), of percentiles from order statistics, which takes "
    f"{need(0.95)} successes for p95 and {need(0.99)} for p99."
)
_CAUSES = (
    "requests that met one fault alone against those that met none, endpoint by endpoint: Fisher's exact test, "
    f"one-sided, adjusted over all of them (Benjamini-Hochberg), claimed below {SIGNIFICANT:g}; of requests with "
    f"several faults a logistic model, below {CLAIMED:g}; a stage against the baseline, below {BETWEEN_STAGES:g}. "
    "Direct evidence rests on no test: ledger and answer name the fault."
)
_EFFECTS = (
    "failures by the exact McNemar test over iterations, intervals by Bonett and Price; time to a useful answer (a "
    "failure counts as the client's deadline) by the geometric mean of the blocks' ratios, Student's t. Both adjusted "
    f"over the patches measured together (Benjamini-Hochberg), claimed below {OF_EFFECTS:g}, failures only where the "
    f"blocks agree. No difference: intervals within {100 * SAME_RATE:g} points and a ratio of {SAME_TIME:g}."
)


def lines(analysis: Analysis) -> Iterator[tuple[str, str]]:
    """Each subject, and what there is to say of it."""
    if analysis.source != "run":
        yield "Intervals", _INTERVALS
        yield "Causes", "none is tested: which request met which fault is not in these files."
        return
    yield "Data", _data(analysis)
    yield "Intervals", _INTERVALS
    yield "Causes", _CAUSES
    for check in analysis.checks:
        if check.name == "control":
            yield "Power", f"{check.summary}. What shows is seen four times in five, at a two-sided 5 %."
    unknown = list(_unknown(analysis))
    if unknown:
        yield "Not concluded", f"{'; '.join(unknown)}."
    yield from _replay(analysis)


def _data(analysis: Analysis) -> str:
    met, fired = len(analysis.tables.requests), len(analysis.tables.faults)
    return (
        f"{wording.plural(met, 'request')}, {wording.plural(fired, 'fault')}. Whether a rule fires is drawn from seed, "
        "rule and request key, not from time or order: chance alone parts requests with a fault from those without."
    )


def _unknown(analysis: Analysis) -> Iterator[str]:
    """What had too few requests, and how many it takes."""
    figures = [figure for row in analysis.endpoints for figure in (row.p50, row.p95, row.p99)]
    without = sum(figure.value is None for figure in figures)
    if without:
        yield f"{without} of {wording.plural(len(figures), 'percentile')} (need n in the table)"
    yield from (f"{slo.expression} in {slo.stage}" for slo in analysis.slos if slo.held is None)
    short = [pattern for pattern in analysis.patterns if pattern.rate.value is None and pattern.rate.need]
    yield from (f"{one.finder} at {one.endpoint or one.site}, need n = {one.rate.need}" for one in short[:_MOST])
    yield from (advice.rstrip(".") for advice in analysis.advice[:_MOST])
    for proposal in analysis.proposals:
        if proposal.effect and proposal.effect.verdict == "inconclusive":
            wants = f", need n = {wording.count(proposal.effect.need)}" if proposal.effect.need else ""
            yield f"Fix {proposal.number}{wants}"


def _replay(analysis: Analysis) -> Iterator[tuple[str, str]]:
    own = analysis.measured.own.values() if analysis.measured else ()
    told = [*(each.effect for each in analysis.proposals), *own]
    effects = [effect for effect in told if effect and effect.measured]
    if not effects:
        return
    yield "Replay", _replayed(effects)
    yield "Effects", _EFFECTS
    placebo = analysis.measured.placebo if analysis.measured else None
    if placebo:
        yield "Placebo", f"a change that changes nothing came out as {placebo.verdict}: {placebo.reason}."


def _replayed(effects: Sequence[Effect]) -> str:
    pairs = max(each.measured[0].pairs for each in effects)
    blocks = max(each.measured[0].useful.n for each in effects)
    gates = dict.fromkeys(gate.name for each in effects for gate in (*each.gates, *each.measured[0].gates))
    return (
        f"copies of the app, one as it ran and one for each patch, got the same requests (up to {pairs:,} counted) "
        f"with the same faults, in turn, in {wording.plural(blocks, 'block')}: iterations that met a fault or failed, "
        "and a share of the others, so failures are more frequent there than in the run. Requests are paired by their "
        f"keys. Gates, each of which any patch must pass: {', '.join(gates)}."
    )
