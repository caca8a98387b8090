"""Judges pairs: all of them, those of each endpoint, those that met exactly one rule; as `effect` judges a patch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from chaos_analysis.compare.couples import LEAST_TURNS
from chaos_analysis.compare.latency import latencies
from chaos_analysis.compare.model import Group
from chaos_analysis.effect import judge_all
from chaos_analysis.effect.figures import figures
from chaos_analysis.model import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from chaos_analysis.compare.couples import Couples
    from chaos_analysis.compare.model import Kind
    from chaos_analysis.effect.figures import Pairs
    from chaos_analysis.effect.values import Effect, Gate, Measured

Name = tuple["Kind", str]
ALL: Name = ("all", "all requests")
_SEVERAL = "+"


@dataclass(frozen=True)
class Choices:
    """Which of the pairs belong to each group, by its kind and name; all of them are the first."""

    chosen: Mapping[Name, NDArray[np.bool_]]

    @classmethod
    def of(cls, endpoint: NDArray[np.object_], rule: NDArray[np.object_]) -> Choices:
        """Everything, each endpoint, and each rule that was met alone."""
        chosen: dict[Name, NDArray[np.bool_]] = {ALL: np.ones(len(endpoint), dtype=bool)}
        chosen |= {("endpoint", str(name)): endpoint == name for name in sorted(set(endpoint.tolist()))}
        rules = sorted(set(rule.tolist()) - {"", _SEVERAL})
        return cls(chosen | {("rule", str(name)): rule == name for name in rules})


def effects(pairs: Pairs, choices: Choices, *, gates: tuple[Gate, ...] = (), times: bool = True) -> dict[Name, Effect]:
    """What each group comes to, p-values adjusted over all of them; without `times`, only failures are judged."""
    measured = {name: figures(pairs.only(which)) for name, which in choices.chosen.items()}
    if not times:
        measured = {name: _timeless(each) for name, each in measured.items()}
    measured[ALL] = replace(measured[ALL], gates=gates)
    judged = judge_all({" ".join(name): ((each,), ()) for name, each in measured.items()})
    return {name: judged[" ".join(name)] for name in measured}


def groups(found: Couples) -> tuple[Group, ...]:
    """All groups of paired runs."""
    choices = Choices.of(found.endpoint, found.rule)
    judged = effects(found.pairs, choices, gates=found.gates, times=found.interleaved)
    return tuple(_group(name, effect, found) for name, effect in judged.items())


def _timeless(each: Measured) -> Measured:
    """Runs that did not take turns: what drifted on the machine would be taken for a difference."""
    unknown = Estimate(None, None, None, each.useful.n, "ratio", need=LEAST_TURNS)
    return replace(
        each, useful=unknown, useful_p=None, useful_ms=None, latency=unknown, latency_p=None, latency_ms=None
    )


def _group(name: Name, effect: Effect, found: Couples) -> Group:
    (measured,) = effect.measured
    kind, called = name
    before, after = (_of(name, rows["endpoint"], rows["rule"]) for rows in (found.before, found.after))
    return Group(
        kind=kind,
        name=called,
        verdict=effect.verdict,
        reason=effect.reason,
        need=effect.need,
        requests=(measured.pairs, measured.pairs),
        before=measured.before,
        after=measured.after,
        difference=measured.difference,
        rescued=measured.rescued,
        broken=measured.broken,
        p_value=measured.p_value,
        useful=measured.useful,
        useful_p=measured.useful_p,
        latencies=latencies(
            found.before["response_ms"].to_numpy(float)[before], found.after["response_ms"].to_numpy(float)[after]
        ),
    )


def _of(name: Name, endpoints: object, rules: object) -> NDArray[np.bool_]:
    kind, called = name
    values = np.asarray(rules if kind == "rule" else endpoints, dtype=object)
    return np.ones(len(values), dtype=bool) if kind == "all" else values == called
