"""What the causal tests of a run can see: each compares requests of one endpoint, and has only these to see by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chaos_analysis.stats import detectable

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence


class Comparison(NamedTuple):
    """At one endpoint: how many requests met a rule's fault alone, how many met none, and how many of those failed."""

    endpoint: str
    alone: int
    control: int
    failures: int

    @property
    def base(self) -> float:
        """The failure rate without a fault."""
        return self.failures / self.control if self.control else 0.0

    @property
    def rise(self) -> float | None:
        """The smallest rise in failures that shows four times in five; None where not even a rise to all would."""
        return detectable(self.alone, self.control, self.base)


def comparisons(evidence: Evidence) -> dict[str, Comparison]:
    """By rule, at the endpoint where most requests met it alone; "" is for those that none met so."""
    control = evidence.control.groupby("endpoint")["ok"].agg(["size", "sum"])
    free = {str(name): (int(n), int(n - ok)) for name, n, ok in control.itertuples()}
    nobody = max(free, key=free.__getitem__, default="")
    found = {"": Comparison(nobody, 0, *free.get(nobody, (0, 0)))}
    singles = evidence.chaos[~evidence.chaos["control"] & (evidence.chaos["rule"] != "+")]
    counts = singles.groupby(["rule", "endpoint"]).size().reset_index(name="n").sort_values("n", kind="stable")
    for rule, endpoint, alone in zip(counts["rule"], counts["endpoint"], counts["n"].tolist(), strict=True):
        found[str(rule)] = Comparison(str(endpoint), alone, *free.get(endpoint, (0, 0)))
    return found
