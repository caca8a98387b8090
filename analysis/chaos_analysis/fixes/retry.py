"""Retries with backoff for idempotent calls of requests: urllib3's own, so that nothing new is depended on."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, ClassVar

from chaos_analysis.fixes._calls import http_call
from chaos_analysis.fixes._edits import add_import, end_of_imports, free_name
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import Case, Declined, Fix, Spot
from chaos_analysis.fixes._sessions import mount, mounts, own_session, refuse_retried
from chaos_analysis.fixes._source import Source, Splice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Pattern, Proposal

IDEMPOTENT = ("GET", "HEAD", "OPTIONS")
STATUSES = (502, 503, 504)
# Not what happens while the body is read.
_COVERED = {"connection_refused", "connection_reset", "connect_timeout", "read_timeout"}
_POLICY = (
    "# What is safe to repeat is repeated, at most twice, after a growing, jittered pause.",
    "{name} = Retry(",
    "    total=2,",
    "    other=0,",
    "    backoff_factor=0.1,",
    "    backoff_jitter=0.1,",
    f"    status_forcelist={STATUSES},",
    '    allowed_methods=("GET", "HEAD", "OPTIONS"),',
    "    raise_on_status=False,  # the last answer is handed back, as without retries",
    "    respect_retry_after_header=False,  # it may ask for minutes",
    ")",
)


def _with_policy(source: str) -> str:
    """A case's source, in which `RETRY = ...` stands for the whole declaration."""
    return dedent(source.removeprefix("\n")).replace("RETRY = ...", "\n".join(_POLICY).format(name="RETRY"))


class Retry(Fix):
    """Mounts an adapter with `urllib3.Retry` on the session, or makes a session with one for a bare `requests.get`."""

    name = "retry"
    title = "Retry an idempotent HTTP call with backoff"
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
                    return http.get(url).json()
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
                        return self.web.get('/fares')
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
                    s.get(url)
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
                    return SESSION.get(url, params=query).json()  # live
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
                )
                """),
            at="fetch(",
            again="SESSION.get",
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
        """Mount the retries, declaring them below the imports."""
        if spot.method not in IDEMPOTENT:
            raise Declined(f"{spot.method or 'the call'} is not safe to repeat without an idempotency key")
        module = Source(source)
        call = http_call(module, spot)
        if call.library not in ("requests", "session"):
            raise Declined(
                f"the call is made with {call.library}, which has no retries of requests' kind: wrap it in "
                "stamina.retry"
            )
        refuse_retried(module, call)
        policy = free_name(module, "RETRY")
        declared = ["", *(line.format(name=policy) for line in _POLICY)]
        splices: list[Splice] = []
        if call.library == "session":
            splices.append(mount(module, call, policy))
        else:
            session = free_name(module, "SESSION")
            made, replaced = own_session(module, call, session)
            forget = "cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # not shared"
            declared += ["", f"{session} = {made}", f"{session}.{forget}", *mounts(session, policy)]
            splices += [*add_import(module, "http.cookiejar", "DefaultCookiePolicy"), *replaced]
        splices += add_import(module, "requests.adapters", "HTTPAdapter")
        splices += add_import(module, "urllib3.util", "Retry")
        splices.append(module.after(end_of_imports(module), declared, indent=""))
        return module.splice(splices)

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each site where faults that a repetition can mend failed an idempotent call."""
        for site, found in evidence.http_sites("dependency_error", "wrong_content"):
            patterns = [pattern for pattern in found if _mendable(evidence, pattern)]
            if not patterns:
                continue
            calls = evidence.calls_at(site)
            unbounded = bool(len(calls)) and bool(calls["timeout"].isna().all())
            yield from evidence.proposal(
                self,
                patterns,
                site,
                Spot(line=site.line, method=method(patterns[0])),
                what=(
                    "Repeat the call at most twice, after no pause and then 0.2-0.3 s, on resets, timeouts and "
                    "502/503/504."
                ),
                why=summaries(patterns),
                caution=_caution(unbounded=unbounded),
            )


def _mendable(evidence: Evidence, pattern: Pattern) -> bool:
    if method(pattern) not in IDEMPOTENT or evidence.lasting.issuperset(pattern.rules):
        return False
    faults = evidence.tables.faults
    asked = faults[(faults["fault"] == "http_error") & faults["rule"].isin(pattern.rules)]["asked"]
    statuses = {int(a["status"]) for a in asked if "status" in a}
    passing = "http_error" in pattern.faults and (not statuses or bool(statuses & set(STATUSES)))
    return passing or bool(_COVERED & set(pattern.faults))


def _caution(*, unbounded: bool) -> str:
    first = "The call has no timeout: bound it first, or every repetition can hang. " if unbounded else ""
    return (
        f"{first}The worst wait is three times the timeout plus 0.3 s: keep it inside the caller's budget, and retry "
        "at one layer only. It does not help an outage that lasts longer, nor a body that is cut short or garbled. "
        "When the attempts are used up a read timeout surfaces as requests.ConnectionError. A POST on the same "
        "session is repeated only where no connection was made at all. A bare call moves to a session that all "
        "threads share; tests that replace `requests.get` must replace the session's. The jitter needs urllib3 2."
    )
