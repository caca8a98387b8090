"""How likely a correct tool is to pass, as far as the draws decide: a run needs so many events of each rule.

With `least` or more requests that met a lethal fault alone and failed, and 40 or more in the control group that did
not, Fisher's p is at most 1 / C(45, 5) < 1e-6: what was met is then found for certain. On twins and decoys nothing
fails by chance, so no test can call chance a finding. What remains is timing, which no formula knows: cases are made so
that nothing is near a limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from scipy.stats import binom

from benchmarks.truth.case import Case, experiment
from chaos_middleware.experiment import Rule, parse


def enough(about: Case) -> float:
    """The probability that each rule fires at least `least` times in a run."""
    return math.prod(_enough(about, rule) for rule in parse(experiment(about, 1)).rules)


def _enough(about: Case, rule: Rule) -> float:
    """The same for one rule: its events of all stages together."""
    events = np.ones(1)  # the probability of each number of them, from 0 on
    for stage in about.stages:
        n = int(about.requests * stage["share"] * about.reach)
        events = np.convolve(events, binom.pmf(np.arange(n + 1), n, rule.rate_in(stage["name"])))
    return float(events[about.least :].sum())


def of_all(cases: Iterable[Case]) -> float:
    """The probability that all of these runs have enough."""
    return math.prod(enough(about) for about in cases)
