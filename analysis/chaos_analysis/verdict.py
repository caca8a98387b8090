"""What a run comes to: the verdict, the exit code, one sentence, and what to change where the data were too few."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.checks.control import COARSE
from chaos_analysis.checks.data import ENOUGH
from chaos_analysis.stats import larger, needed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Check, Pattern, SloResult, Verdict

_WITH_BODY = ("POST", "PUT", "PATCH")
_HOPELESS = 10  # times as many requests: nobody runs that, where half of them fail anyway
_REFUSED = (400, 411, 415, 422)  # statuses that say so of a request whose body is missing
EXIT_CODES: dict[Verdict, int] = {"held": 0, "undecided": 0, "no SLO": 0, "broken": 1, "invalid": 3}


def verdict(checks: Sequence[Check], slos: Sequence[SloResult]) -> Verdict:
    """Invalid before anything else; broken where one objective is; undecided where none could be judged."""
    if any(check.ok is False and check.fatal for check in checks):
        return "invalid"
    if any(slo.held is False for slo in slos):
        return "broken"
    if any(slo.held for slo in slos):
        return "held"
    return "undecided" if slos else "no SLO"


def headline(
    found: Verdict, checks: Sequence[Check], slos: Sequence[SloResult], patterns: Sequence[Pattern], evidence: Evidence
) -> str:
    """One sentence: what came of the objectives, and the first thing to look at."""
    if found == "invalid":
        reasons = [check.summary for check in checks if check.ok is False and check.fatal]
        return f"This run is invalid: {'; '.join(reasons)}."
    chaos = evidence.chaos
    share = wording.percent(float((~chaos["ok"]).mean())) if len(chaos) else ""
    under = f"{share} of {wording.plural(len(chaos), 'request')} failed" if share else "no request was sent"
    first = next((pattern for pattern in patterns if pattern.severity != "low"), None)
    none = "; no weak place was found that the app could mend" if share else ""
    look = f"; first: {_placed(first)}" if first else none
    text = f"{_objectives(found, slos)}{under} while faults were on{look}."
    return text[0].upper() + text[1:]


def _placed(pattern: Pattern) -> str:
    return f"{pattern.title}, at {pattern.site}" if pattern.site else pattern.title


def _objectives(found: Verdict, slos: Sequence[SloResult]) -> str:
    if found == "broken":
        slo = next(slo for slo in slos if slo.held is False)
        where = f" of {slo.endpoint}" if slo.endpoint and slo.endpoint not in slo.expression else ""
        return f"Objective {slo.expression}{where} broken in {slo.stage} ({wording.estimate(slo.measured)}); "
    if found == "held" and any(slo.held is None for slo in slos):
        return "Objectives held where they could be judged; "
    told = {"held": "Objectives held; ", "undecided": "Objectives could not be judged; "}
    return told.get(found, "")


def advice(evidence: Evidence, slos: Sequence[SloResult]) -> tuple[str, ...]:
    """What to change where the data do not say enough, with numbers."""
    return tuple(
        dict.fromkeys(
            [*_more_requests(evidence), *_without_body(evidence), *_for_objectives(evidence, slos), *_rates(evidence)]
        )
    )


def _more_requests(evidence: Evidence) -> Iterator[str]:
    n = len(evidence.rows)
    if not n:
        yield "No request was recorded: look into locust.log and app.log in the run folder."
    elif n < ENOUGH:
        yield f"Only {wording.plural(n, 'request')}: run at least {ENOUGH}, e.g. with --requests 600."
    if n and evidence.experiment and not evidence.experiment.rules:
        yield "The experiment has no rules: give it some, or leave out --config to take the default ones."
    elif n and not evidence.fault_stages:
        yield "No request fell into a stage that injects faults: run longer, or give rules a rate in the stages used."


def _without_body(evidence: Evidence) -> Iterator[str]:
    """Endpoints of the command line that were sent no body and refuse every request for what may be that."""
    load = evidence.run.get("load") or {}
    calm = evidence.rows[evidence.rows["control"]]
    for endpoint in load.get("endpoints") or ():
        method, _, rest = str(endpoint).partition(" ")
        path, _, body = rest.partition(" ")
        answers = calm.loc[calm["endpoint"] == f"{method} {path.partition('?')[0]}", "status"]
        if method in _WITH_BODY and not body and len(answers) and answers.isin(_REFUSED).all():
            example = f'--endpoint \'{method} {path} {{"name": "value"}}\''
            yield f"{method} {path} answers {answers.iloc[0]}, and was sent no body: {example} sends one as JSON."


def _for_objectives(evidence: Evidence, slos: Sequence[SloResult]) -> Iterator[str]:
    """Scaled from what this run sent: an objective on a small stage needs a larger run."""
    total = len(evidence.rows)
    for slo in slos:
        need, have = slo.measured.need, slo.measured.n
        if slo.held is None and need and have:
            more = ceil(total * need / have / 100) * 100
            yield (
                f"{slo.expression} needs {need} successful requests in {slo.stage}, there were {have}: "
                f"run about {wording.count(more)} requests."
            )
        elif slo.held is None and have:
            yield (
                f"{slo.expression} is too close to call in {slo.stage} ({wording.estimate(slo.measured)}): "
                f"run about {wording.count(4 * total)} requests, which halves the interval."
            )


def _rates(evidence: Evidence) -> Iterator[str]:
    """For each rule too rare to be judged, the rate or the size of run that would do."""
    if evidence.experiment is None or not len(evidence.chaos):
        return
    idle = evidence.idle_rules
    if idle:
        yield f"Nothing that the app did matched {', '.join(idle)}: see their seam and match, if that is a surprise."
    for rule in evidence.experiment.rules:
        if rule.name in idle:
            continue
        seen = evidence.comparison(rule.name)
        have, rates = seen.alone, [rule.rate_in(stage) for stage in evidence.fault_stages]
        factor = larger(max(have, 1), seen.control, seen.base, COARSE)
        if not seen.control or not any(rates) or (have and factor and factor <= 1):
            continue
        if factor is None or (factor > _HOPELESS and seen.base > COARSE):
            yield (
                f"{rule.name} has nothing to show: {wording.percent(seen.base)} of the {wording.count(seen.control)} "
                "requests like its own that met no fault failed too. Find out why first."
            )
            continue
        size = wording.count(ceil(len(evidence.rows) * factor / 100) * 100)
        beside = needed(seen.control, seen.base, COARSE)
        raised = max(rates) * beside / max(have, 1) if beside else 1.0
        rate = f" or raise its rate to {wording.number(raised)}" if raised <= COARSE else ""
        yield (
            f"{rule.name} was met alone by {wording.plural(have, 'request')}, beside {wording.count(seen.control)} "
            f"without a fault: too few to see a rise by 50 "
            f"points: run about {size} requests{rate}."
        )
