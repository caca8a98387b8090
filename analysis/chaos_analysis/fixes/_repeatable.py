"""The calls of a run that a repetition would have mended, those of one session together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from chaos_analysis.fixes._calls import http_call, keyword
from chaos_analysis.fixes._evidence import method
from chaos_analysis.fixes._fix import Declined, Spot
from chaos_analysis.fixes._layers import Attempt, attempt, is_unbounded
from chaos_analysis.fixes._outage import outage
from chaos_analysis.fixes._repeating import STATUSES
from chaos_analysis.fixes._sessions import session_of
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from chaos_analysis.fixes._calls import HttpCall
    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Pattern, Site

IDEMPOTENT = ("GET", "HEAD", "OPTIONS")
# Not what happens while the body is read.
_COVERED = {"connection_refused", "connection_reset", "connect_timeout", "read_timeout"}


class Repeatable(NamedTuple):
    """A call site with the patterns that a repetition can mend there. `session` tells apart what it is made on.

    `library` is "" where the source does not tell; `unbounded` says that the run saw no limit for reading.
    """

    site: Site
    patterns: list[Pattern]
    attempt: Attempt
    unbounded: bool
    library: str
    session: str | int

    @property
    def spot(self) -> Spot:
        """The place, with the timeout to set there."""
        return Spot(line=self.site.line, method=method(self.patterns[0]), timeout=self.attempt.timeout or (0.0, 0.0))


def by_session(evidence: Evidence) -> Iterable[list[Repeatable]]:
    """The calls of one session together: there is one place for the retries of all of them."""
    groups: dict[tuple[str, str | int], list[Repeatable]] = {}
    for call in repeatable(evidence, IDEMPOTENT):
        groups.setdefault((call.site.file, call.session), []).append(call)
    return groups.values()


def repeatable(evidence: Evidence, verbs: Collection[str]) -> Iterator[Repeatable]:
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
        patterns = [pattern for pattern in asked if _mendable(evidence, pattern, once, library)]
        down = outage(evidence, site)
        outlasts = down is not None and down.share > 0.5  # what comes back later than the attempts end
        if patterns and not outlasts and (site not in repeated or library == "urllib3"):
            unbounded = is_unbounded(evidence, site)
            yield Repeatable(site, patterns, once, unbounded, library, _session(source, call, site.line))


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


def _mendable(evidence: Evidence, pattern: Pattern, once: Attempt, library: str) -> bool:
    if evidence.lasting.issuperset(pattern.rules):
        return False
    faults = evidence.tables.faults
    asked = faults[faults["rule"].isin(pattern.rules)]
    if "latency" in pattern.faults and _is_cut(once, asked[asked["fault"] == "latency"]["asked"].to_list()):
        return True
    statuses = {int(a["status"]) for a in asked[asked["fault"] == "http_error"]["asked"] if "status" in a}
    passing = "http_error" in pattern.faults and (not statuses or bool(statuses & set(STATUSES)))
    told = library != "httpx" and method(pattern) in IDEMPOTENT
    return (passing and told) or bool(_COVERED & set(pattern.faults))  # to httpx a 503 is an answer


def _is_cut(once: Attempt, delays: list[dict[str, Any]]) -> bool:
    """Whether an attempt ends before a delay does: by the app's own limit, which made an error of it, or by ours."""
    if once.timeout is None:
        return once.longest is not None
    return any(float(asked.get("seconds") or 0.0) > once.timeout[1] for asked in delays)
