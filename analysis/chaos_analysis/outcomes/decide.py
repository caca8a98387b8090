"""From one request's faults and answer to the outcome of each of its fault events.

Only what fault-free requests do not show is put down to a fault: the same end (status, kind of error) without a fault
counts against it. Where several faults could have done it and none is shown to, the outcome is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chaos_analysis.outcomes.content import Content
from chaos_analysis.tables.windows import SEAMS as WINDOWS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chaos_analysis.outcomes.content import Contents
    from chaos_analysis.outcomes.usual import End, Usual

    Proven = Callable[[str, str], str]

DELAYS = ("latency", "slow_body", "slow_statement", "lock_contention", "pool_exhaustion")
_HARMLESS = ("noop",)
_NOT_COMPARED = "no fault-free answers that its content could be held against"
_NO_ROW = "the client has no row of this request"
_NOT_HERE = "the fault could not act here"
_NO_REQUEST = "it befell a window of time, no single request"
_ERRORS = 400  # statuses from here on have no content to be compared
_ENOUGH = 20  # fault-free successes before a status that none of them has is unusual
_MOST = 0.9  # of what ends so with the fault must be due to it
_GAVE_UP = ("DeadlineError", "GreenletExit", "timeout", "TimeoutError")


class Event(NamedTuple):
    """One event as the decision needs it. `place` tells causes apart: the call site, of a repetition elsewhere that of
    the first; `named`: the exception that left the app is what the fault raised, or came from its line; `most`: its
    delay was at least half of the request's time.
    """

    rule: str
    fault: str
    seam: str
    place: str
    did: str | None
    call_error: str | None
    named: bool
    attempts: int
    recovered: bool
    most: bool


class Answer(NamedTuple):
    """How the request ended: at the client (None without a row), and in the app (`left`: the exception's class and
    frame; `alive`: the app noted its end). `content` is what its content says beside the fault-free; `strayed` the
    route that a redirect led it to, "" for none or the usual; `refused`: as it should be (see `refused`).
    """

    end: End | None
    left: str | None
    alive: bool
    content: Content = Content()
    strayed: str = ""
    refused: bool = False


class Outcome(NamedTuple):
    """`tier` is how the fault is tied to it: direct, causal, model or "" where nothing had to be tied."""

    word: str
    tier: str = ""
    why: str = ""


class Judge:
    """Decides; `proven` says for an endpoint and a rule by which tier the rule's fault is shown to fail requests.

    `compared`: an answer with a good status is right only if its content was held against fault-free ones.
    """

    def __init__(
        self, usual: Usual, contents: Contents, proven: Proven, at_rest: frozenset[tuple[str, str]], *, compared: bool
    ) -> None:
        self._usual = usual
        self._contents = contents
        self._proven = proven
        self._at_rest = at_rest
        self._compared = compared

    def decide(self, answer: Answer, events: Sequence[Event]) -> list[Outcome]:
        """The outcome of each event, in their order."""
        if answer.end is None:
            return [Outcome("unknown", why=_NO_REQUEST if event.seam in WINDOWS else _NO_ROW) for event in events]
        word, about = self._word(answer.end, answer)
        if word == "right":
            return [self._right(answer.end, event) for event in events]
        if word == "unknown":
            return [Outcome(word, why=_NOT_HERE if event.did == "unsupported" else about) for event in events]
        blamed, tier, why = self._blame(answer.end, answer, word, events)
        return [
            Outcome(word, tier, about)
            if blamed is not None and _cause(event) == blamed
            else Outcome("unknown", why=_other(event, blamed, why))
            for event in events
        ]

    def _word(self, end: End, answer: Answer) -> tuple[str, str]:
        """What the answer is, before anything is blamed for it, and what is to be said of that."""
        if end.error_class in _GAVE_UP or (end.status == 0 and end.error_class.endswith("Timeout")):
            return "hung", f"the client gave up: {end.error_class}"
        if end.status == 0:
            return ("lost", "") if answer.alive else ("crashed", "")
        if answer.refused:
            return "right", ""
        if end.status >= 500 or (end.status >= 400 and not end.ok):
            return "propagated", ""
        return self._fine(end, answer) if end.ok else ("wrong", "it fails the locustfile's check")

    def _fine(self, end: End, answer: Answer) -> tuple[str, str]:
        """What an answer is that the client took for right."""
        if answer.strayed:
            return "propagated", f"redirected to {answer.strayed}"
        usual = self._usual.statuses(end.endpoint)
        if usual and end.status not in usual and self._usual.successes[end.endpoint] >= _ENOUGH:
            return "propagated" if end.status >= 300 else "degraded", f"{end.status} instead of {_listed(usual)}"
        word, about, _ = answer.content
        if self._compared and end.status < _ERRORS and (not word or (word == "right" and about)):
            return "unknown", about or _NOT_COMPARED
        return word or "right", about

    def _right(self, end: End, event: Event) -> Outcome:
        if event.did == "unsupported":
            return Outcome("unknown", why=_NOT_HERE)
        if not self._usual.successes.get(end.endpoint):
            return Outcome("unknown", why="no fault-free answer to compare with")
        if event.attempts and event.recovered:
            return Outcome("retried")
        return Outcome("handled")

    def _blame(
        self, end: End, answer: Answer, word: str, events: Sequence[Event]
    ) -> tuple[tuple[str, str] | None, str, str]:
        """The cause (rule and place) of this end, by which tier, or None and why nothing can be blamed."""
        able = _able(word, events)
        named = [event for event in able if event.named]
        usual = self._usual.like(end) if word != "degraded" and not end.ok else 0
        free = self._usual.n(end.endpoint)
        if named:
            return self._named(end, answer, named[-1], usual / free if free else 0.0)
        if not free:
            return None, "", "no fault-free answer to compare with"
        if usual:
            able = [event for event in able or events if self._due(end, event.rule)]
            if len({_cause(event) for event in able}) != 1:
                return None, "", f"{usual} of {free} fault-free requests end so too"
        return self._alone(end, able, events, self._contents.shown if answer.content.word else self._proven)

    def _named(self, end: End, answer: Answer, event: Event, own: float) -> tuple[tuple[str, str] | None, str, str]:
        alike = answer.left is not None and (end.endpoint, answer.left) in self._at_rest
        if (alike or own >= 0.5) and not self._due(end, event.rule):
            return None, "", "fault-free requests fail so too"
        return _cause(event), "direct", ""

    def _alone(
        self, end: End, able: Sequence[Event], events: Sequence[Event], proven: Proven
    ) -> tuple[tuple[str, str] | None, str, str]:
        """The only one that can have done it, or the only one that is shown to do it."""
        causes = {_cause(event): event for event in able or [event for event in events if event.fault not in _HARMLESS]}
        shown = {cause: tier for cause in causes if (tier := proven(end.endpoint, cause[0]))}
        if len(shown) == 1:
            return (*next(iter(shown.items())), "")
        if len(causes) == 1 and able:
            return next(iter(causes)), "", ""
        if not able:
            return None, "", "its faults are not shown to end requests so"
        return None, "", "several faults, and none alone is shown to do it"

    def _due(self, end: End, rule: str) -> bool:
        """Requests with this fault alone end so, and hardly any of them would without it."""
        return bool(self._proven(end.endpoint, rule)) and self._usual.excess(end, rule) >= _MOST


def _listed(statuses: frozenset[int]) -> str:
    return " or ".join(map(str, sorted(statuses)))


def _able(word: str, events: Sequence[Event]) -> list[Event]:
    """The events that can have made an answer so by themselves."""
    harmful = [event for event in events if event.fault not in _HARMLESS and event.did != "unsupported"]
    edge = [event for event in harmful if event.seam == "wsgi" and event.fault not in DELAYS]
    if edge:
        return edge[:1]
    if word == "hung":
        longest = [event for event in harmful if event.most]
        if longest:
            return longest
    return [event for event in harmful if not _passed(event) and not (event.attempts and event.recovered)]


def _passed(event: Event) -> bool:
    """A delay that was waited out, after which the call went on as if nothing had been."""
    return event.fault in DELAYS and event.did in (None, "done", event.fault) and event.call_error is None


def _cause(event: Event) -> tuple[str, str]:
    return event.rule, event.place


def _other(event: Event, blamed: tuple[str, str] | None, why: str) -> str:
    if event.did == "unsupported":
        return _NOT_HERE
    return f"another fault decided the answer: {blamed[0]}" if blamed else why
