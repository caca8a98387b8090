"""How likely a correct tool is to pass, as far as the draws decide: a run needs so many events of each rule.

With `least` or more requests that met a lethal fault alone and failed, and 40 or more in the control group that did
not, Fisher's p is at most 1 / C(45, 5) < 1e-6: what was met is then found for certain. On twins and decoys nothing
fails by chance, so no test can call chance a finding. What remains is timing, which no formula knows: cases are made so
that nothing is near a limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from scipy.stats import binom

from benchmarks.truth.case import Case


def enough(about: Case) -> float:
    """The probability that each rule fires at least `least` times in a run; rules without a `rate` have 0.1."""
    n = int(about.faulted * about.reach)
    return math.prod(float(binom.sf(about.least - 1, n, rule.get("rate", 0.1))) for rule in about.rules)


def of_all(cases: Iterable[Case]) -> float:
    """The probability that all of these runs have enough."""
    return math.prod(enough(about) for about in cases)
