"""The third tier of attribution, `model`: which fault does it where requests met several at once.

A logistic model for each endpoint over the rules whose faults its requests met (`stats.logistic`). It speaks only of
rules that requests met together with others, and only where the comparison of requests with one fault alone, the tier
above, has nothing to say: what that shows needs no model, and what that had the power to see and did not see, the model
must not claim.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chaos_analysis.model import Estimate
from chaos_analysis.stats import adjusted, detectable, proportion
from chaos_analysis.stats.logistic import Effect, effects

if TYPE_CHECKING:
    import pandas as pd

    from chaos_analysis.evidence import Evidence

_SIGNIFICANT = 0.05
CLAIMED = 0.01  # the model reaches beyond what was seen: it has to be surer than the tier above
_ALONE = "requests with this fault alone do not fail so"
_MOST_RULES = 40  # more in one endpoint's requests than these are not modelled


@dataclass(frozen=True)
class Modelled:
    """What the model says of a rule at an endpoint.

    `rate` is the failure probability of requests with its fault alone, `baseline` that of requests without any, as the
    model has them. `together`: requests that met it with others, `alone`: with none. `q` is adjusted over all of them.
    `claimed`: it raises failures, significantly, and the causal tier does not contradict it; `why_not` says what stands
    against it otherwise.
    """

    endpoint: str
    rule: str
    rate: Estimate
    baseline: float
    together: int
    alone: int
    q: float
    claimed: bool
    why_not: str


class _Met(NamedTuple):
    """Requests and failures of an endpoint by the set of rules that they met."""

    n: Counter[tuple[str, ...]]
    hits: Counter[tuple[str, ...]]


class _Asked(NamedTuple):
    endpoint: str
    met: _Met
    rule: str
    effect: Effect


def modelled(evidence: Evidence) -> tuple[Modelled, ...]:
    """Every endpoint and rule that the model was asked about, in the order of their names."""
    asked = [
        _Asked(endpoint, met, rule, effect)
        for endpoint, met in sorted(_met(evidence.chaos[evidence.chaos["after"] == ""]).items())
        for rule, effect in _effects(met).items()
    ]
    qs = adjusted([one.effect.p for one in asked])
    return tuple(_one(evidence, one, q) for one, q in zip(asked, qs, strict=True))


def _met(rows: pd.DataFrame) -> dict[str, _Met]:
    """Of the endpoints whose requests met several faults."""
    found: dict[str, _Met] = defaultdict(lambda: _Met(Counter(), Counter()))
    names = rows.loc[rows["rule"] == "+", "endpoint"].unique()
    counts = rows.loc[rows["endpoint"].isin(names), ["endpoint", "rules", "ok"]].value_counts(sort=False).reset_index()
    for endpoint, rules, ok, count in zip(*(counts[name].tolist() for name in counts), strict=True):
        found[endpoint].n[rules] += count
        found[endpoint].hits[rules] += 0 if ok else count
    return found


def _effects(met: _Met) -> dict[str, Effect]:
    """By the model: of those rules that were met with others."""
    rules = sorted({rule for combination in met.n for rule in combination})
    if len(rules) > _MOST_RULES or () not in met.n:
        return {}
    causes = np.array([[rule in combination for rule in rules] for combination in met.n], dtype=bool)
    hits, n = (np.array([counts[combination] for combination in met.n]) for counts in (met.hits, met.n))
    together = {rule for combination in met.n if len(combination) > 1 for rule in combination}
    return {rule: effect for rule, effect in zip(rules, effects(causes, hits, n), strict=True) if rule in together}


def _one(evidence: Evidence, asked: _Asked, q: float) -> Modelled:
    endpoint, met, rule, effect = asked
    n = sum(count for combination, count in met.n.items() if rule in combination)
    alone = met.n[rule,]
    why_not = _against(evidence, asked)
    if q >= CLAIMED or not effect.rises or effect.low <= effect.without:
        why_not = "failures do not rise with it significantly"
    return Modelled(
        endpoint=endpoint,
        rule=rule,
        rate=Estimate(effect.with_it, effect.low, effect.high, n, "probability"),
        baseline=effect.without,
        together=n - alone,
        alone=alone,
        q=q,
        claimed=not why_not,
        why_not=why_not,
    )


def _against(evidence: Evidence, asked: _Asked) -> str:
    """What the comparison of requests with this fault alone says already."""
    met, effect = asked.met, asked.effect
    q = evidence.q("fault", asked.endpoint, asked.rule)
    if q is None:
        return ""
    if q < _SIGNIFICANT:
        return "requests with this fault alone show it"
    control = met.n[()]
    visible = detectable(met.n[asked.rule,], control, met.hits[()] / control)
    seen = visible is not None and visible <= effect.with_it - effect.without
    return _ALONE if seen or _fewer_alone(met, asked.rule) else ""


def _fewer_alone(met: _Met, rule: str) -> bool:
    """Requests with this fault alone fail less than those with others too: if it does it, then not by itself."""
    others = [combination for combination in met.n if rule in combination and len(combination) > 1]
    together = proportion(sum(met.hits[one] for one in others), sum(met.n[one] for one in others))
    alone = proportion(met.hits[rule,], met.n[rule,])
    return alone.high is not None and together.low is not None and alone.high < together.low
