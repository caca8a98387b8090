"""An outbound call as every seam has it: what is called, and the exchange in which it is drawn for, timed and noted.

A seam brings a `Call` of its own, an `Exchange` in its driver's terms and a `CallTarget` for its faults.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from sys import _getframe
from time import monotonic, time
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Protocol
from uuid import UUID

from chaos_middleware.callsite import Site, Way, site_of
from chaos_middleware.errors import UnsupportedFault, mark_injected
from chaos_middleware.faults.base import Target
from chaos_middleware.plans import NOTHING

if TYPE_CHECKING:
    from chaos_middleware.injector import Firing
    from chaos_middleware.request import Request

_MANY = 100  # values; a statement with more of them is for many things
_SEVERAL = (list, tuple, dict, set)
_KEYS = {type(None), bool, int, str, bytes, date, Decimal, UUID}  # of no subclass: what they print is theirs
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:")


class Call:
    """What is called. `facts` are what rules match on, in the order of the seam's `match` keys (`seams.SEAM_MATCH`).

    `way`: of a call that is kept for the next time, how it last came from the app.
    """

    __slots__ = ("facts",)

    seam: ClassVar[str]
    way: Way | None = None

    def __init__(self, facts: tuple[str, ...]) -> None:
        self.facts = facts

    @property
    def identity(self) -> str:
        """What draws depend on: one line without tabs, the same in every run, whatever ports or ids the run has."""
        raise NotImplementedError

    def takes(self, fault: str) -> bool:  # noqa: ARG002 - most calls take every fault of their seam
        """Whether a fault of the seam can befall a call of this kind; where not, its rules do not match here."""
        return True

    def meant(self, fault: str, patterns: tuple[tuple[str, ...], ...]) -> bool:  # noqa: ARG002 - most calls are meant
        """Whether a rule with this fault, and these patterns for the facts, means a call of this kind."""
        return True


class Noted(Protocol):
    """A call that has ended, as a request keeps it until there is a reason to write it down."""

    def record(self) -> dict[str, Any]:
        """The ledger's fields of this call."""


class Exchange:
    """A call on its way. It is what the ledger notes of it when it has ended. Cheap to make: one is made for every
    call of a request under chaos, and few are ever written down.

    `limit`: the seconds that the caller grants to the answer, None where it waits for ever. `delayed_by`: the event
    whose delay has used up a part of them. `error`: what the call raised, until it is noted; `failed` is its class.
    `_values`: what the call is made with beside its identity, where its seam knows.
    """

    depth: ClassVar[int] = 1  # frames of ours, from the constructor to the library: the search for the site skips them
    limit: float | None = None
    status: int | None = None
    error: BaseException | None
    failed: str | None = None
    occurrence: int | None = None
    firings: Sequence[Firing]
    delayed_by: str | None = None
    seconds = 0.0
    _values: Any = None

    def __init__(self, request: Request, call: Call) -> None:
        self._clock = monotonic()
        self.request = request
        self.call = call
        self.error, self.firings = None, ()  # not in the class, where reading them takes several times as long
        injector, way = request.injector, call.way
        frames = injector.frames
        self._spot = frames.spot(_getframe(self.depth)) if way is None else frames.along(way, self.depth)
        if injector.places.get((request.stage, request.path, call.seam, call.facts)) is not NOTHING:
            self.occurrence, self.firings = injector.reach(request, call)
            if self.firings:
                self._spot = frames.spot(_getframe(self.depth))  # nothing is taken for granted about a fault
                for firing in self.firings:
                    firing.site = self.site

    @property
    def site(self) -> Site | None:
        """The app's own frame that made the call."""
        return None if self._spot is None else site_of(self._spot)

    def left(self) -> float | None:
        """What is left of `limit` in seconds."""
        return None if self.limit is None else max(0.0, self.limit - (monotonic() - self._clock))

    def timed_out(self) -> Exception:
        """The error of this library when no answer comes within `limit`."""
        raise NotImplementedError

    def timeout(self) -> Any:
        """What the ledger says of the caller's timeouts; None where it has none."""
        return self.limit

    def note(self) -> None:
        """The call has ended."""
        self.seconds = monotonic() - self._clock
        request = self.request
        if self.error is not None:
            self.failed, self.error = type(self.error).__name__, None  # its traceback leads back here
        if self.firings:
            for firing in self.firings:
                request.injector.leave_out(firing)
        if request.sampled or request.faults:
            request.injector.record_call(request, self)
        elif not request.closed:
            request.calls.append(self)

    def record(self) -> dict[str, Any]:
        """The ledger's fields of this call."""
        met, site = self.request.faults, self.site
        return {
            "seam": self.call.seam,
            "target": self.call.identity,
            "occurrence": self.occurrence,
            "site": site and site._asdict(),
            "started": time() - (monotonic() - self._clock),
            "seconds": self.seconds,
            "status": self.status,
            "error": self.failed,
            "timeout": self.timeout(),
            "faults": [firing.id for firing in self.firings if firing.id in met],
            **told_of(self._values, late=self.request.closed),
        }


def told_of(values: Any, *, late: bool) -> dict[str, str]:
    """What the ledger says of a call's values, numbers included: 16 bits of a hash tell which calls of a request had
    the same ones, and not what they were.

    Nothing where there are none, or where one call is for many things already: more than 100 values, rows, lists. What
    may be the time (datetimes, floats, texts of a date and a time) counts as one value: a poll may pass it each time.
    `late`: the app has gone on since the call; then nothing of lists and dicts, which it may have changed.
    """
    if late and not isinstance(values, tuple):
        return {}
    if isinstance(values, dict):
        values = [values[name] for name in sorted(values, key=str)]
    if not isinstance(values, (list, tuple)) or not 0 < len(values) <= _MANY:
        return {}
    if any(isinstance(value, _SEVERAL) for value in values):
        return {}
    return {"values": blake2b(repr([_key(value) for value in values]).encode(), digest_size=2).hexdigest()}


def _key(value: Any) -> Any:
    """The value, where it may name a thing; else only of which type it is."""
    kind = type(value)
    return kind if kind not in _KEYS or (kind is str and _MOMENT.match(value)) else value


class CallTarget(Target):
    """One firing at one call: holds the caller up within its own timeout; the rest is for the seam to override."""

    def __init__(self, exchange: Exchange, firing: Firing) -> None:
        self.exchange = exchange
        self.firing = firing
        self._control = firing.request.injector.control

    def delay(self, seconds: float, *, blocking: bool) -> None:
        left = self.exchange.left()
        if left is None or seconds < left:
            self.sleep(seconds, blocking=blocking)
            self.exchange.delayed_by = self.firing.id
            return
        self.sleep(left, blocking=blocking)
        if self._control.stopped() is None:  # else it was woken, and the call goes on
            self.fail_with(self.exchange.timed_out())

    def throw(self, error: Exception) -> NoReturn:
        raise UnsupportedFault(f"{type(error).__name__} is no failure of a call")

    def sleep(self, seconds: float, *, blocking: bool = False) -> None:
        """Sleep until the time is over or faults are stopped."""
        self._control.sleep(seconds, blocking=blocking)

    def fail_with(self, error: Exception) -> NoReturn:
        """Raise the library's own error, marked as injected."""
        raise mark_injected(error, self.firing.id)
