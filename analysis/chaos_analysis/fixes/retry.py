"""Retries with backoff for idempotent calls of requests: urllib3's own, so that nothing new is depended on."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from chaos_analysis.fixes._calls import http_call
from chaos_analysis.fixes._edits import add_import, end_of_imports, free_name
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._layers import PAUSES, Attempt, attempt, is_unbounded, repeats
from chaos_analysis.fixes._sessions import mount, mounts, own_session, refuse_retried, session_of
from chaos_analysis.fixes._source import Source, Splice
from chaos_analysis.fixes.http_timeout import HttpTimeout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Pattern, Proposal, Site

IDEMPOTENT = ("GET", "HEAD", "OPTIONS")
STATUSES = (502, 503, 504)
# Not what happens while the body is read.
_COVERED = {"connection_refused", "connection_reset", "connect_timeout", "read_timeout"}
_POLICY = (
    "# What is safe to repeat is repeated, at most {often}, after a growing, jittered pause.",
    "{name} = Retry(",
    "    total={repeats},",
    "    other=0,",
    "    backoff_factor=0.1,",
    "    backoff_jitter=0.1,",
    f"    status_forcelist={STATUSES},",
    '    allowed_methods=("GET", "HEAD", "OPTIONS"),',
    "    raise_on_status=False,  # the last answer is handed back, as without retries",
    "    respect_retry_after_header=False,  # it may ask for minutes",
    ")",
)


def policy(name: str, repeats: int) -> list[str]:
    """The lines that declare it."""
    often = {1: "once", 2: "twice"}.get(repeats, f"{repeats} times")
    return [line.format(name=name, repeats=repeats, often=often) for line in _POLICY]


def _with_policy(source: str, repeats: int = 2) -> str:
    """A case's source, in which `RETRY = ...` stands for the whole declaration."""
    return dedent(source.removeprefix("\n")).replace("RETRY = ...", "\n".join(policy("RETRY", repeats)))


class Retry(Fix):
    """Mounts an adapter with `urllib3.Retry` on the session, or makes a session with one for a bare `requests.get`."""

    name = "retry"
    title = "Retry an idempotent HTTP call with backoff"
    mends = ("no_retry",)
    leaves = ("wrong_content",)  # the error is hidden still, where it does not pass
    reference = (
        "urllib3, Retry: https://urllib3.readthedocs.io/en/stable/reference/urllib3.util.html#urllib3.util.Retry; "
        "RFC 9110, section 9.2.2, Idempotent Methods: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "a session of the module",
            before="""
                import requests

                http = requests.Session()


                def fares(url):
                    return http.get(url).json()
                """,
            after=_with_policy("""
                import requests
                from requests.adapters import HTTPAdapter
                from urllib3.util import Retry

                RETRY = ...

                http = requests.Session()
                http.mount("http://", HTTPAdapter(max_retries=RETRY))
                http.mount("https://", HTTPAdapter(max_retries=RETRY))


                def fares(url):
                    return http.get(url, timeout=(1.05, 0.25)).json()
                """),
            at="http.get",
        ),
        Case(
            "a session made in __init__, among sorted imports",
            before="""
                import json

                import requests as r
                from werkzeug.http import dump_cookie


                class Client:
                    def __init__(self):
                        self.web = r.Session()  # shared
                        self.count = 0

                    def fares(self):
                        return self.web.get('/fares')
                """,
            after=_with_policy("""
                import json

                import requests as r
                from requests.adapters import HTTPAdapter
                from urllib3.util import Retry
                from werkzeug.http import dump_cookie

                RETRY = ...


                class Client:
                    def __init__(self):
                        self.web = r.Session()  # shared
                        self.web.mount("http://", HTTPAdapter(max_retries=RETRY))
                        self.web.mount("https://", HTTPAdapter(max_retries=RETRY))
                        self.count = 0

                    def fares(self):
                        return self.web.get('/fares', timeout=(1.05, 0.25))
                """),
            at="self.web.get",
        ),
        Case(
            "a session for the length of a block",
            before="""
                import requests

                with requests.Session() as s:
                    s.get(url)
                """,
            after=_with_policy("""
                import requests
                from requests.adapters import HTTPAdapter
                from urllib3.util import Retry

                RETRY = ...

                with requests.Session() as s:
                    s.mount("http://", HTTPAdapter(max_retries=RETRY))
                    s.mount("https://", HTTPAdapter(max_retries=RETRY))
                    s.get(url, timeout=(1.05, 0.25))
                """),
            at="s.get",
        ),
        Case(
            "a bare call gets a session, and its second argument its name",
            before="""
                import requests


                def fares(url, query):
                    return requests.get(url, query).json()  # live
                """,
            after=_with_policy("""
                from http.cookiejar import DefaultCookiePolicy

                import requests
                from requests.adapters import HTTPAdapter
                from urllib3.util import Retry

                RETRY = ...

                SESSION = requests.Session()
                SESSION.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # not shared
                SESSION.mount("http://", HTTPAdapter(max_retries=RETRY))
                SESSION.mount("https://", HTTPAdapter(max_retries=RETRY))


                def fares(url, query):
                    return SESSION.get(url, params=query, timeout=(1.05, 0.25)).json()  # live
                """),
            at="requests.get",
            again="SESSION.get",
        ),
        Case(
            "an imported function that nothing else uses",
            before="""
                from requests import get as fetch

                answer = fetch(
                    url,
                )
                """,
            after=_with_policy("""
                from http.cookiejar import DefaultCookiePolicy

                from requests import Session
                from requests.adapters import HTTPAdapter
                from urllib3.util import Retry

                RETRY = ...

                SESSION = Session()
                SESSION.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # not shared
                SESSION.mount("http://", HTTPAdapter(max_retries=RETRY))
                SESSION.mount("https://", HTTPAdapter(max_retries=RETRY))

                answer = SESSION.get(
                    url,
                    timeout=(1.05, 0.25),
                )
                """),
            at="fetch(",
            again="SESSION.get",
        ),
        Case(
            "calls that share the session, one of them with a timeout of its own, and a caller with little patience",
            before="""
                import requests

                http = requests.Session()


                def fares(url):
                    return http.get(
                        url
                    ).json()


                def dates(url):
                    return http.get(url, timeout=2).json()


                def seats(url):
                    return http.get(url).json()
                """,
            after=_with_policy(
                """
                import requests
                from requests.adapters import HTTPAdapter
                from urllib3.util import Retry

                RETRY = ...

                http = requests.Session()
                http.mount("http://", HTTPAdapter(max_retries=RETRY))
                http.mount("https://", HTTPAdapter(max_retries=RETRY))


                def fares(url):
                    return http.get(
                        url,
                        timeout=(1.05, 0.4),
                    ).json()


                def dates(url):
                    return http.get(url, timeout=2).json()


                def seats(url):
                    return http.get(url, timeout=(1.05, 0.25)).json()
                """,
                repeats=1,
            ),
            at="http.get(url)",
            again="http.get(url, timeout=(1",
            known={
                "repeats": 1,
                "also": (Spot(line=7, method="GET", timeout=(1.05, 0.4)), Spot(line=13, method="GET", timeout=(1, 1))),
            },
        ),
        Case(
            "an adapter is mounted already",
            before="""
                import requests

                s = requests.Session()
                s.mount('https://', adapter)
                s.get(url)
                """,
            declined="mounts an adapter",
            at="s.get",
        ),
        Case(
            "the function is retried already",
            before="""
                import requests
                import stamina


                @stamina.retry(on=OSError)
                def f():
                    return requests.get(url)
                """,
            declined="stamina",
            at="requests.get",
        ),
        Case(
            "it is tried again by hand",
            before="""
                import requests

                for attempt in range(3):
                    try:
                        requests.get(url)
                    except OSError:
                        pass
                """,
            declined="loop",
            at="requests.get",
        ),
        Case(
            "a POST",
            before="import requests\n\nrequests.post(url)\n",
            declined="POST",
            at="requests.post",
            method="POST",
        ),
        Case(
            "urllib",
            before="from urllib.request import urlopen\n\nurlopen(url)\n",
            declined="urllib",
            at="urlopen(url)",
        ),
        Case(
            "made elsewhere",
            before="def f(session):\n    session.get(url)\n",
            declined="made elsewhere",
            at="session.get",
        ),
        Case(
            "made without a name",
            before="import requests\n\nrequests.Session().get(url)\n",
            declined="no name",
            at="requests.Session",
        ),
        Case(
            "imported in a function",
            before="""
                def f(url):
                    import requests

                    return requests.get(url)
                """,
            declined="top level",
            at="requests.get",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Set the timeouts that are lacking, and mount the retries, declaring them below the imports."""
        if spot.method not in IDEMPOTENT:
            raise Declined(f"{spot.method or 'the call'} is not safe to repeat without an idempotency key")
        bounded, spot = _bounded(source, spot)
        module = Source(bounded)
        call = http_call(module, spot)
        if call.library not in ("requests", "session"):
            raise Declined(
                f"the call is made with {call.library}, which has no retries of requests' kind: wrap it in "
                "stamina.retry"
            )
        refuse_retried(module, call)
        name = free_name(module, "RETRY")
        declared = ["", *policy(name, spot.repeats)]
        splices: list[Splice] = []
        if call.library == "session":
            splices.append(mount(module, call, name))
        else:
            session = free_name(module, "SESSION")
            made, replaced = own_session(module, call, session)
            forget = "cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # not shared"
            declared += ["", f"{session} = {made}", f"{session}.{forget}", *mounts(session, name)]
            splices += [*add_import(module, "http.cookiejar", "DefaultCookiePolicy"), *replaced]
        splices += add_import(module, "requests.adapters", "HTTPAdapter")
        splices += add_import(module, "urllib3.util", "Retry")
        splices.append(module.after(end_of_imports(module), declared, indent=""))
        return module.splice(splices)

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each site, or session, where faults that a repetition can mend failed idempotent calls."""
        for calls in _by_session(evidence, _calls(evidence)):
            first, *others = sorted(calls, key=lambda call: -sum(each.failures for each in call.patterns))
            patterns = [pattern for call in calls for pattern in call.patterns]
            longest = max((call.attempt.longest for call in calls if call.attempt.longest is not None), default=None)
            often = repeats(longest, evidence.deadline)
            spot: Spot | str = replace(first.spot, repeats=often, also=tuple(call.spot for call in others))
            if not often:
                spot = (
                    f"two attempts of up to {longest:g} s do not end within the {evidence.deadline:g} s that the "
                    "client waits: shorten the timeout first"
                )
            yield from evidence.proposal(
                self,
                patterns,
                first.site,
                spot,
                what=_what(calls, often or len(PAUSES)),
                why=" ".join([summaries(patterns), *(_told(call) for call in calls if call.attempt.timeout)]),
                caution=_caution(calls, often),
            )


class _Call(NamedTuple):
    """A call site with what a repetition can mend there."""

    site: Site
    patterns: list[Pattern]
    attempt: Attempt
    unbounded: bool

    @property
    def spot(self) -> Spot:
        """The place, with the timeout to set there."""
        return Spot(line=self.site.line, method=method(self.patterns[0]), timeout=self.attempt.timeout or (0.0, 0.0))


def _calls(evidence: Evidence) -> Iterator[_Call]:
    """The sites, without those whose calls are repeated already somewhere."""
    repeated = {site for site, _ in evidence.http_sites("retry_storm", "missing_backoff", "non_idempotent_retry")}
    for site, found in evidence.http_sites("dependency_error", "wrong_content", "missing_timeout", "no_retry"):
        once = attempt(evidence, site)
        patterns = [pattern for pattern in found if _mendable(evidence, pattern, once)]
        if patterns and site not in repeated:
            yield _Call(site, patterns, once, is_unbounded(evidence, site))


def _by_session(evidence: Evidence, calls: Iterable[_Call]) -> Iterable[list[_Call]]:
    """The calls of one session together: there is one place for the retries of all of them."""
    groups: dict[tuple[str, str | int], list[_Call]] = {}
    for call in calls:
        groups.setdefault((call.site.file, _session(evidence, call)), []).append(call)
    return groups.values()


def _session(evidence: Evidence, call: _Call) -> str | int:
    """The name of the call's session, with where it is made; the call's own line where it has none that is known."""
    text = evidence.sources.text(call.site.file)
    if text is None:
        return call.site.line
    try:
        source = Source(text)
        name, maker = session_of(source, http_call(source, call.spot))
    except Declined:
        return call.site.line
    return f"{name}@{source.span(maker)[0]}"


def _bounded(source: str, spot: Spot) -> tuple[str, Spot]:
    """The source with the timeouts that are to be set at all of the spot's calls, and where the first one is then."""
    line = spot.line
    for each in sorted((spot, *spot.also), key=lambda one: -one.line):
        if any(each.timeout):
            try:
                after = HttpTimeout().edit(source, each)
            except AlreadyThere:
                continue
            line += after.count("\n") - source.count("\n") if each.line < spot.line else 0
            source = after
    return source, replace(spot, line=line)


def _mendable(evidence: Evidence, pattern: Pattern, once: Attempt) -> bool:
    if method(pattern) not in IDEMPOTENT or evidence.lasting.issuperset(pattern.rules):
        return False
    faults = evidence.tables.faults
    asked = faults[faults["rule"].isin(pattern.rules)]
    if "latency" in pattern.faults and _is_cut(once, asked[asked["fault"] == "latency"]["asked"].to_list()):
        return True
    statuses = {int(a["status"]) for a in asked[asked["fault"] == "http_error"]["asked"] if "status" in a}
    passing = "http_error" in pattern.faults and (not statuses or bool(statuses & set(STATUSES)))
    return passing or bool(_COVERED & set(pattern.faults))


def _is_cut(once: Attempt, delays: list[dict[str, Any]]) -> bool:
    """Whether an attempt ends before a delay does: by the app's own limit, which made an error of it, or by ours."""
    if once.timeout is None:
        return once.longest is not None
    return any(float(asked.get("seconds") or 0.0) > once.timeout[1] for asked in delays)


def _what(calls: Sequence[_Call], often: int) -> str:
    pauses = "once, at once," if often == 1 else "at most twice, after no pause and then 0.2-0.3 s,"
    bounds = {call.attempt.timeout for call in calls if call.attempt.timeout}
    timeouts = " and ".join(f"({connect:g}, {read:g})" for connect, read in sorted(bounds))
    bounded = (
        f" Each attempt gets the timeout that it lacks, {timeouts} s for connecting and reading." if bounds else ""
    )
    return f"Repeat the call {pauses} on resets, timeouts and 502/503/504.{bounded}"


def _told(call: _Call) -> str:
    return f"For {call.site}: {call.attempt.told}"


def _caution(calls: Sequence[_Call], often: int) -> str:
    hanging = any(call.unbounded and call.attempt.timeout is None for call in calls)
    first = "The call has no timeout: bound it first, or every repetition can hang. " if hanging else ""
    longest = max((call.attempt.longest for call in calls if call.attempt.longest is not None), default=None)
    pauses = sum(PAUSES[:often])
    worst = (
        f"three times the timeout plus {sum(PAUSES):g} s"
        if longest is None or not often
        else f"{(often + 1) * longest + pauses:g} s"
    )
    return (
        f"{first}The worst wait is {worst}: keep it inside the caller's budget, and retry "
        "at one layer only. It does not help an outage that lasts longer, nor a body that is cut short or garbled. "
        "When the attempts are used up a read timeout surfaces as requests.ConnectionError. A POST on the same "
        "session is repeated only where no connection was made at all. A bare call moves to a session that all "
        "threads share; tests that replace `requests.get` must replace the session's. The jitter needs urllib3 2."
    )
