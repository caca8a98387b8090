"""Checks the invariants of a test: asks what they want to know before it, and after it whether they hold.

Some of what is wrong just after the load is still being put right, such as work of requests that nobody waited for.
So what does not hold is checked again twice within seconds, and only what the last check says counts. A check that
raises, or takes too long, is never taken for one that holds.
"""

from __future__ import annotations

import json
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent

from chaos_locust.invariants import Violation
from chaos_locust.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from chaos_locust.facts import Facts
    from chaos_locust.invariants import Before, Invariant

LIMIT_SECONDS = 30.0
_BEFORE_SECONDS = 10.0
_PAUSES = (0.0, 0.3, 1.0)
_MOST = 1000
_INTERRUPTED = "the user did not wait for it"


@dataclass(frozen=True)
class Result:
    """What came of one invariant. `error` says why it could not be checked; violations found until then stand."""

    name: str
    violations: tuple[Violation, ...]
    more: int
    error: str | None
    seconds: float
    facts: int

    @property
    def held(self) -> bool:
        """Whether it was checked and nothing is wrong."""
        return self.error is None and not self.violations

    def line(self) -> bytes:
        """A line of `invariants.jsonl`."""
        violations = [{"text": each.text, "keys": each.keys, "suspects": each.suspects} for each in self.violations]
        record = {"version": 1, "name": self.name, "checked": self.error is None, "violations": violations}
        record |= {"more": self.more, "error": self.error, "seconds": round(self.seconds, 3), "facts": self.facts}
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"


class Checker:
    """The invariants of one test of the service at `url` (None where the test names no host)."""

    def __init__(
        self,
        invariants: Sequence[Invariant],
        url: str | None,
        *,
        limit: float = LIMIT_SECONDS,
        sleep: Callable[[float], object] = gevent.sleep,
    ) -> None:
        self._invariants = invariants
        self._url = url
        self._limit = limit
        self._sleep = sleep
        self._before: dict[Before, Any] = {}
        self._troubles: dict[Before, str] = {}
        self._interrupted = False

    def begin(self) -> None:
        """Ask what is to be known before the load, each function once."""
        for before in dict.fromkeys(each.before for each in self._invariants if each.before):
            try:
                with gevent.Timeout(_BEFORE_SECONDS):
                    self._before[before] = before(Service(self._url or ""))
            except (Exception, gevent.Timeout) as error:
                self._troubles[before] = f"before the load, {_said(error, _BEFORE_SECONDS, before)}"

    def finish(self, facts: Facts) -> list[Result]:
        """Check them all, in their order."""
        ends = time.monotonic() + self._limit
        results: dict[str, Result] = {}
        for pause in _PAUSES:
            pending = [each for each in self._invariants if each.name not in results or not results[each.name].held]
            if not pending or (results and (self._interrupted or time.monotonic() + pause > ends)):
                break
            self._sleep(pause)
            service = Service(self._url or "")
            for each in pending:
                new = self._check(each, service, facts, ends - time.monotonic())
                if each.name not in results or new.error is None or results[each.name].error is not None:
                    results[each.name] = new
        return list(results.values())

    def _check(self, invariant: Invariant, service: Service, facts: Facts, seconds: float) -> Result:
        found: list[Violation] = []
        started = time.monotonic()
        more, error = 0, self._obstacle(invariant, facts, seconds)
        if error is None:
            try:
                with gevent.Timeout(seconds):
                    for violation in self._violations(invariant, service, facts):
                        more += len(found) >= _MOST
                        found += [violation] if len(found) < _MOST else []
            except KeyboardInterrupt:
                self._interrupted = True
                error = _INTERRUPTED
            except (Exception, gevent.Timeout) as raised:
                error = _said(raised, self._limit, invariant.check)
        return Result(invariant.name, tuple(found), more, error, time.monotonic() - started, len(facts))

    def _obstacle(self, invariant: Invariant, facts: Facts, seconds: float) -> str | None:
        """Why it cannot even be tried."""
        if self._interrupted:
            return _INTERRUPTED
        if self._url is None:
            return "the test names no host"
        if facts.broken:
            return f"{facts.broken} lines of the users' facts could not be read"
        if seconds <= 0:
            return _late(self._limit)
        return self._troubles.get(invariant.before) if invariant.before else None

    def _violations(self, invariant: Invariant, service: Service, facts: Facts) -> Iterator[Violation]:
        before = (self._before[invariant.before],) if invariant.before else ()
        found = invariant.check(service, facts, *before)
        if found is None or isinstance(found, str):
            raise TypeError(f"{invariant.check.__name__} gave {found!r}: it has to yield violations, or return a list")
        for each in found:
            if not isinstance(each, Violation | str):
                raise TypeError(f"{invariant.check.__name__} yielded {each!r}, neither a Violation nor a text")
            yield Violation(each) if isinstance(each, str) else each


def _said(error: BaseException, limit: float, function: Callable[..., object]) -> str:
    """An error in a sentence, with the line of the locustfile that it came through last."""
    if isinstance(error, gevent.Timeout):
        return _late(limit)
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" ({Path(str(file)).name}:{lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {error}{where}"


def _late(limit: float) -> str:
    return f"the checks took longer than {limit:g} s"
