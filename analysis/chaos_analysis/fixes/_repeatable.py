"""The calls of a run that a repetition would have mended, those of one session together."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple

from chaos_analysis.fixes._calls import http_call, keyword
from chaos_analysis.fixes._evidence import method, wholes
from chaos_analysis.fixes._fix import Declined, Spot
from chaos_analysis.fixes._layers import Attempt, attempt, is_unbounded
from chaos_analysis.fixes._outage import outage
from chaos_analysis.fixes._repeating import IDEMPOTENT, STATUSES, reads_body
from chaos_analysis.fixes._sessions import session_of
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from chaos_analysis.fixes._calls import HttpCall
    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Pattern, Site

_UNANSWERED = frozenset({"connection_refused", "connection_reset", "connect_timeout", "read_timeout"})
_TOLD, _CUT = frozenset({"http_error"}), frozenset({"truncated_body"})
_REQUESTS = ("requests", "session")
_HANDED = ("httpx", "urllib")  # have no retries of their own


class Repeatable(NamedTuple):
    """A call site with the patterns that a repetition can mend there. `session` tells apart what it is made on.

    `library` is "" where the source does not tell; `whole` says that the call reads the answer's body, too, `unbounded`
    that the run saw no limit for reading; `covered` are the faults after which it is to be made again, `failures` says
    how many of the patterns' failures are due to such alone.
    """

    site: Site
    patterns: list[Pattern]
    attempt: Attempt
    unbounded: bool
    library: str
    whole: bool
    session: str | int
    covered: frozenset[str] = frozenset()
    failures: int = 0

    @property
    def spot(self) -> Spot:
        """The place, with the timeout to set there."""
        return Spot(line=self.site.line, method=method(self.patterns[0]), timeout=self.attempt.timeout or (0.0, 0.0))


def by_session(evidence: Evidence, *, stamina: bool) -> Iterator[list[Repeatable]]:
    """The calls of one session together, since one declaration serves them all: those that are handed to stamina, or
    those that urllib3 repeats.
    """
    groups: dict[tuple[str, str | int], list[Repeatable]] = {}
    for call in _calls(evidence, IDEMPOTENT):
        groups.setdefault((call.site.file, call.session), []).append(call)
    for calls in groups.values():
        if _is_handed(evidence, calls) == stamina:
            mended = [each for call in calls for each in _mended(evidence, call, _covered(call, stamina=stamina))]
            yield from filter(None, [mended])


def repeatable(evidence: Evidence, verbs: Collection[str]) -> Iterator[Repeatable]:
    """The calls with these methods that were left without an answer."""
    for call in _calls(evidence, verbs):
        yield from _mended(evidence, call, _UNANSWERED)


def _covered(call: Repeatable, *, stamina: bool) -> frozenset[str]:
    """The faults after which the call is made again, by stamina or by urllib3.

    requests reads the body when urllib3 is done. stamina goes by errors: a 503 is one to urllib, which leaves the body
    to its caller.
    """
    told = not stamina or call.library == "urllib"
    cut = call.whole and (stamina or call.library == "urllib3")
    return _UNANSWERED | (_TOLD if told else frozenset()) | (_CUT if cut else frozenset())


def _is_handed(evidence: Evidence, calls: list[Repeatable]) -> bool:
    """Whether stamina is to repeat them. Those of requests both can: the one who would mend more failures."""
    if calls[0].library not in _REQUESTS:
        return calls[0].library in _HANDED
    cut, told = (sum(_failures(evidence, call, fault) for call in calls) for fault in (*_CUT, *_TOLD))
    return cut > told and all(call.whole for call in calls)


def _failures(evidence: Evidence, call: Repeatable, fault: str) -> int:
    """How many requests met this fault here, and could pass it, met no other, and failed."""
    rules = {rule for each in call.patterns if fault in each.faults for rule in each.rules} - evidence.lasting
    if not rules:
        return 0
    events, requests = evidence.tables.faults, evidence.tables.requests
    events = events[(events["file"] == call.site.file) & (events["line"] == call.site.line)]
    events = events[events["rule"].isin(rules) & (events["fault"] == fault)]
    passing = [fault not in _TOLD or asked["status"] in STATUSES for asked in events["asked"]]
    failed = requests[~requests["ok"].astype(bool) & requests["rule"].isin(rules)]
    return len(set(compress(events["key"], passing)) & set(failed["key"]))


def _mended(evidence: Evidence, call: Repeatable, covered: frozenset[str]) -> Iterator[Repeatable]:
    """The call with those of its patterns that are mended where it is made again after these faults; none without."""
    patterns = [each for each in call.patterns if _is_mendable(evidence, each, call.attempt, covered)]
    if patterns:
        failures = sum(_due(evidence, call, pattern, covered) for pattern in wholes(patterns))
        yield call._replace(patterns=patterns, covered=covered, failures=failures)


def _calls(evidence: Evidence, verbs: Collection[str]) -> Iterator[Repeatable]:
    """The sites of calls with these methods, without those that are repeated already, or whose other side is down.

    urllib3's default, which repeats at once, does not count: it is to be replaced.
    """
    repeated = {site for site, _ in evidence.http_sites("retry_storm", "missing_backoff", "non_idempotent_retry")}
    finders = ("dependency_error", "wrong_content", "missing_timeout", "no_retry", "missing_backoff")
    for site, found in evidence.http_sites(*finders):
        source, call = _call(evidence, site, method(found[0]))
        library = call.library if call else ""
        default = call is not None and library == "httpx" and keyword(call.node, "timeout") is None
        once = attempt(evidence, site, default=default)
        asked = [pattern for pattern in found if method(pattern) in verbs]
        down = outage(evidence, site)
        outlasts = down is not None and down.share > 0.5  # what comes back later than the attempts end
        if asked and not outlasts and (site not in repeated or library == "urllib3"):
            whole = source is not None and call is not None and reads_body(source, call)
            unbounded = is_unbounded(evidence, site)
            yield Repeatable(site, asked, once, unbounded, library, whole, _session(source, call, site.line))


def _call(evidence: Evidence, site: Site, verb: str) -> tuple[Source | None, HttpCall | None]:
    text = evidence.sources.text(site.file)
    try:
        source = Source(text) if text is not None else None
        return source, http_call(source, Spot(line=site.line, method=verb)) if source else None
    except Declined:
        return None, None


def _session(source: Source | None, call: HttpCall | None, line: int) -> str | int:
    """The name of the call's session, with where it is made; the call's own line where it has none that is known."""
    if source is None or call is None or call.library != "session":
        return line
    try:
        name, maker = session_of(source, call)
    except Declined:
        return line
    return f"{name}@{source.span(maker)[0]}"


def _is_mendable(evidence: Evidence, pattern: Pattern, once: Attempt, covered: frozenset[str]) -> bool:
    """Whether a repetition can get past one of the pattern's faults: one that does not last as long as the request."""
    if evidence.lasting.issuperset(pattern.rules):
        return False
    faults = evidence.tables.faults
    asked = faults[faults["rule"].isin(pattern.rules)]
    passing = asked[~asked["rule"].isin(evidence.lasting)]
    of = set(pattern.faults) - (set(asked["fault"]) - set(passing["fault"]))
    if "latency" in of and _is_cut(once, passing[passing["fault"] == "latency"]["asked"].to_list()):
        return True
    statuses = {int(a["status"]) for a in passing[passing["fault"] == "http_error"]["asked"] if "status" in a}
    told = not statuses or bool(statuses & set(STATUSES))
    return bool((covered if told else covered - _TOLD) & of)


def _due(evidence: Evidence, call: Repeatable, pattern: Pattern, covered: frozenset[str]) -> int:
    """How many of the pattern's failures are due to faults here that a repetition gets past."""

    def passes(rule: str, fault: str, asked: Mapping[str, Any]) -> bool:
        if rule in evidence.lasting:
            return False
        if fault == "latency":
            return _is_cut(call.attempt, [asked])
        return fault in covered and (fault not in _TOLD or asked.get("status") in STATUSES)

    return evidence.due(pattern, passes)


def _is_cut(once: Attempt, delays: Sequence[Mapping[str, Any]]) -> bool:
    """Whether an attempt ends before a delay does: by the app's own limit, which made an error of it, or by ours."""
    if once.timeout is None:
        return once.longest is not None
    return any(float(asked.get("seconds") or 0.0) > once.timeout[1] for asked in delays)
