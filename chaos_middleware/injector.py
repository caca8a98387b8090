"""The only place that decides: match → draw → record → act.

A seam tells the injector what a request reached and gets back the firings; it runs them through `Injector.run`, which
records, acts and records again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from chaos_middleware import draws
from chaos_middleware.callsite import AppFrames, Site
from chaos_middleware.control import Control
from chaos_middleware.errors import UnsupportedFault
from chaos_middleware.experiment import Experiment, Rule
from chaos_middleware.faults import Fault, Target
from chaos_middleware.ledger import Ledger
from chaos_middleware.plans import Plans
from chaos_middleware.request import Request

if TYPE_CHECKING:
    from chaos_middleware.calls import Call, Noted

_MASK = draws.MASK
_SAMPLE = "share of noted requests"  # drawn as if by a rule of this name, which no rule can have: it has blanks
_STOPS = {
    "killed": "the kill switch was used: no fault acts any more",
    "lease": "the lease has run out: no fault acts until it is renewed",
    "budget": "the budget of faults is spent: no fault acts any more",
}


@dataclass
class Firing:
    """A rule that fired: the fault with its random settings drawn, and where. `did` is what came of it.

    `settled` once the ledger has its start, or why it did not act.
    """

    id: str
    rule: Rule
    fault: Fault
    request: Request
    call: Call | None = None
    occurrence: int | None = 0
    site: Site | None = None
    did: str | None = None
    settled: bool = False


class Injector:
    """Draws for one experiment, and runs what fires."""

    def __init__(self, experiment: Experiment, ledger: Ledger, control: Control, frames: AppFrames) -> None:
        self.experiment = experiment
        self.ledger = ledger
        self.control = control
        self.frames = frames
        self._seed = experiment.seed
        self._point = draws.pointer(experiment.seed)
        self._plans = Plans(experiment, ledger)
        self._edges, self.places = self._plans.edges, self._plans.calls
        self.calm: dict[tuple[str, str], set[object]] = {}  # by stage and path: see `Request.calm`
        self._firsts = {rule.name: count() for rule in experiment.rules}
        self._told: set[str] = set()
        share = draws.rule_hash(self._seed, _SAMPLE)
        self._share = (share.a, share.b, draws.limit(experiment.call_share))

    def open(self, key: str, stage: str, environ: dict[str, Any]) -> tuple[Request, list[Firing]]:
        """A request has come in: note it, and draw for it at the edge."""
        at = self._point(key, "", 0)
        request = Request(self, key, stage, environ, at)
        a, b, limit = self._share
        request.sampled = (a * at + b) & _MASK < limit
        place = self._edges.get((stage, request.method, request.path)) or self._plans.edge(request)
        tail, armed, (a, b, mask, miss, carry) = place
        self.ledger.reached(key + tail)
        fired: list[Firing] = []
        if ((a * at + b & mask) + miss) & carry == carry:  # draws.none_fires
            return request, fired
        for a, b, limit, rule in armed:
            if (a * at + b) & _MASK < limit:
                fired.append(Firing(f"{key}:{rule.name}", rule, _settled(self._seed, rule, at), request))
        return request, self._gated(request, fired)

    def reach(self, request: Request, call: Call) -> tuple[int | None, list[Firing]]:
        """A request is about to make a call: note it, draw for it; returns the call's occurrence (None where no rule is
        for it) and what fires.

        Firings have no site yet: the seam gives it when it has one.
        """
        place = self.places.get((request.stage, request.path, call.seam, call.facts))
        if place is None:
            place = self._plans.call(request, call)
        if not place.tail:
            return None, []
        identity = call.identity
        occurrence = request.occurrence(identity)
        self.ledger.reached(f"{request.key}{place.tail}\t{identity}\t{occurrence}")
        fired = []
        for a, b, limit, rule in place.armed:
            counted = occurrence if rule.persistence == "attempt" else 0
            at = self._point(request.key, identity, counted)
            if (a * at + b) & _MASK < limit:
                name = f"{request.key}:{rule.name}:{draws.call_hash(identity)}.{occurrence}"
                fired.append(Firing(name, rule, _settled(self._seed, rule, at), request, call, occurrence))
        return occurrence, self._gated(request, fired) if fired else fired

    @contextmanager
    def run(self, firing: Firing) -> Iterator[bool]:
        """Record the start of a fault, let the body act, record its end; yields False, and records why, where it may
        not act.
        """
        reason = "ledger" if self.ledger.lost else self.control.admit()
        if reason is not None:
            self.suppress(firing, reason)
            self._tell_once(reason)
            yield False
            return
        started, clock = time(), monotonic()
        firing.settled = True
        self._record_start(firing, started)
        try:
            yield not self.ledger.lost  # by this very record
        except BaseException as error:
            firing.did = firing.did or type(error).__name__
            raise
        finally:
            self.control.release()
            measured = {"seconds": monotonic() - clock, "did": firing.did or "done"}
            self.ledger.write("end", id=firing.id, started=started, finished=time(), measured=measured)

    def act(self, firing: Firing, target: Target) -> None:
        """Run a firing whose whole effect is the call of its fault on `target`."""
        with self.run(firing) as may:
            if may:
                self.perform(firing, target)

    def perform(self, firing: Firing, target: Target) -> None:
        """Call the fault on `target`, within `run`; note it where the place cannot have this fault."""
        try:
            firing.fault.act(target)
        except UnsupportedFault as error:
            firing.did = "unsupported"
            self.ledger.write("note", level="error", text=f"rule {firing.rule.name}: {error}")

    def close(self, request: Request) -> None:
        """The request has left the app."""
        request.closed, request.calm = True, frozenset()
        for firing in request.fired:
            self.leave_out(firing)
        calls, request.calls = request.calls, []
        if not (request.sampled or request.faults):
            return
        for exchange in calls:
            self.record_call(request, exchange)
        error, site = request.error, None
        if error is not None:
            site = self.frames.deepest(error.__traceback__)
        self.ledger.write(
            "request",
            key=request.key,
            stage=request.stage,
            route=request.where(),
            method=request.method,
            status=int(request.status[:3]) if request.status and request.status[:3].isdecimal() else None,
            seconds=time() - request.started,
            body=request.length(),
            faults=request.faults,
            error=error and {"class": type(error).__name__, "text": _text(error)},
            frame=site and site._asdict(),
            sampled=request.sampled,
        )

    def leave_out(self, firing: Firing) -> None:
        """Record a firing whose moment never came: a fault before it ended the call or the request, or the app did."""
        if not firing.settled:
            self.suppress(firing, "preempted" if firing.request.faults else "unreached")

    def suppress(self, firing: Firing, reason: str) -> None:
        """Record that a rule fired and did not act, and why."""
        request = firing.request
        firing.settled = True
        self.ledger.write(
            "suppressed", id=firing.id, key=request.key, stage=request.stage, rule=firing.rule.name,
            seam=firing.rule.seam, reason=reason,
        )  # fmt: skip

    def record_call(self, request: Request, call: Noted | tuple[Any, ...]) -> None:
        """Note an outbound call that has ended; a tuple is a class of notes, and what one of them is made of."""
        about = {"key": request.key, "stage": request.stage, "route": request.where(), "sampled": request.sampled}
        self.ledger.write("call", **about, **(call[0](*call[1:]) if isinstance(call, tuple) else call).record())

    def _record_start(self, firing: Firing, started: float) -> None:
        request, rule = firing.request, firing.rule
        self.ledger.write(
            "fault",
            id=firing.id,
            key=request.key,
            stage=request.stage,
            rule=rule.name,
            fault=rule.fault.name,
            seam=rule.seam,
            phase=rule.phase,
            asked={"type": rule.fault.name, **firing.fault.asked()},
            site=firing.site and firing.site._asdict(),
            target=firing.call and firing.call.identity,
            occurrence=firing.occurrence,
            route=request.where(),
            pid=self.ledger.pid,
            started=started,
        )
        if not self.ledger.lost:
            request.met(firing.id)

    def _tell_once(self, reason: str) -> None:
        if reason in _STOPS and reason not in self._told:
            self._told.add(reason)
            self.ledger.write("note", level="warning", text=_STOPS[reason])

    def _gated(self, request: Request, fired: list[Firing]) -> list[Firing]:
        passed = [firing for firing in fired if self._passes_gate(firing)]
        request.decided(passed)
        return passed

    def _passes_gate(self, firing: Firing) -> bool:
        rule = firing.rule
        every, first = rule.gate.every, rule.gate.first
        passes = every is None or draws.rule_hash(self._seed, f"{rule.name}:gate").u(firing.request.point) < 1 / every
        if passes and first is not None:
            passes = next(self._firsts[rule.name]) < first
        if not passes:
            self.suppress(firing, "gate")
        return passes


def _text(error: BaseException) -> str:
    """The start of an error's text; the app's own class may have any, or none to be had."""
    try:
        text = str(error)
    except Exception as of_its_own:  # whatever it is: the answer must go out
        text = f"its text cannot be had: {type(of_its_own).__name__}"
    return text[:300].encode(errors="replace").decode()


def _settled(seed: int, rule: Rule, at: int) -> Fault:
    return rule.fault.settle(draws.values(seed, rule.name, at))
