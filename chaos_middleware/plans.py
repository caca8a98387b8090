"""Which rules match at a place that a request reached: looked at once, afterwards one dictionary lookup."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from chaos_middleware import draws

if TYPE_CHECKING:
    from chaos_middleware.calls import Call
    from chaos_middleware.experiment import Experiment, Rule
    from chaos_middleware.ledger import Ledger
    from chaos_middleware.request import Request

_REMEMBERED = 4096


class Armed(NamedTuple):
    """A rule with a rate above 0: it fires where `(a·x + b) mod 2^64 < limit` (see draws.py)."""

    a: int
    b: int
    limit: int
    rule: Rule


class Place(NamedTuple):
    """What to do for a request of one stage at one place: the end of its `reached` line, and the rules to draw for.

    `tail` is "" at a call that no rule is for: there is nothing to draw, and nothing to note of it.
    """

    tail: str
    armed: tuple[Armed, ...]
    lanes: draws.Lanes


NOTHING = Place("", (), draws.lanes([]))


class Plans:
    """Finds the place for a request at the edge, or for one of its calls.

    Rules that match on headers make a place more than its path: an experiment that has one remembers nothing.
    """

    def __init__(self, experiment: Experiment, ledger: Ledger) -> None:
        self._experiment = experiment
        self._ledger = ledger
        self._remember = not any(rule.match.header for rule in experiment.rules)
        self.edges: dict[tuple[str, str, str], Place] = {}
        self.calls: dict[tuple[str, str, str, tuple[str, ...]], Place] = {}

    def edge(self, request: Request) -> Place:
        """The place of a request that is not in `edges`."""
        place = self._place("wsgi", request, None)
        if self._remember:
            if len(self.edges) >= _REMEMBERED:
                self.edges.clear()
            self.edges[request.stage, request.method, request.path] = place
        return place

    def call(self, request: Request, call: Call) -> Place:
        """The place of an outbound call that is not in `calls`."""
        place = self._place(call.seam, request, call)
        if self._remember:
            if len(self.calls) >= _REMEMBERED:
                self.calls.clear()
            self.calls[request.stage, request.path, call.seam, call.facts] = place
        return place

    def _place(self, seam: str, request: Request, call: Call | None) -> Place:
        rules = [r for r in self._experiment.rules if r.seam == seam and _matches(r, request, call)]
        if call is not None and not rules:
            return NOTHING
        example = call.identity if call else f"{request.method} {request.path}"
        number = self._ledger.plan(seam, tuple(rule.name for rule in rules), example)
        rated = [(rule, rule.rate_in(request.stage)) for rule in rules]
        hashes = [(draws.rule_hash(self._experiment.seed, r.name), rate, r) for r, rate in rated if rate > 0]
        armed = tuple(Armed(hashed.a, hashed.b, draws.limit(rate), rule) for hashed, rate, rule in hashes)
        lanes = draws.lanes([(hashed, rate) for hashed, rate, _ in hashes])
        return Place(f"\t{request.stage}\t{number}", armed, lanes)


def _matches(rule: Rule, request: Request, call: Call | None) -> bool:
    match = rule.match
    if not _any(match.route, request.path) or (match.not_route and _any(match.not_route, request.path)):
        return False
    if any(not fnmatchcase(request.header(name), pattern) for name, pattern in match.header):
        return False
    facts = (request.method,) if call is None else call.facts
    if call is not None and not (call.takes(rule.fault.name) and call.meant(rule.fault.name, match.facts)):
        return False
    return all(map(_any, match.facts, facts))


def _any(patterns: tuple[str, ...], text: str) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)
