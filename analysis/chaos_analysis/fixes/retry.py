"""Retries with backoff for idempotent calls: urllib3's own where the library goes through it, else stamina's."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes._calls import http_call
from chaos_analysis.fixes._evidence import summaries
from chaos_analysis.fixes._fix import Case, Declined, Fix, Spot
from chaos_analysis.fixes._layers import STAMINA, URLLIB3
from chaos_analysis.fixes._plans import Plan, bounded, planned, told
from chaos_analysis.fixes._repeatable import IDEMPOTENT, by_session
from chaos_analysis.fixes._repeating import by_adapter, by_caller, by_keyword, policy
from chaos_analysis.fixes._sessions import refuse_retried
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Proposal


def _with_policy(source: str, repeats: int = 2) -> str:
    """A case's source, in which `RETRY = ...` stands for the whole declaration."""
    return dedent(source.removeprefix("\n")).replace("RETRY = ...", "\n".join(policy("RETRY", repeats)))


_OTHERS = ("httpx", "urllib")  # have no retries of their own


class Retry(Fix):
    """Mounts an adapter with `urllib3.Retry` on the session, or makes a session with one for a bare `requests.get`.

    Calls of urllib3 get it as `retries=`; those of httpx and urllib are handed to a caller of stamina.
    """

    name = "retry"
    title = "Retry an idempotent HTTP call with backoff"
    mends = ("no_retry", "missing_backoff")
    leaves = ("wrong_content",)  # the error is hidden still, where it does not pass
    reference = (
        "urllib3, Retry: https://urllib3.readthedocs.io/en/stable/reference/urllib3.util.html#urllib3.util.Retry; "
        "RFC 9110, section 9.2.2, Idempotent Methods: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2; stamina: https://stamina.hynek.me/en/stable/"
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
            "a session that is made in a row with others",
            before="""
                import requests
                from flask import Flask

                app, http = Flask(__name__), requests.Session()
                http.get(url, timeout=1)
                """,
            after=_with_policy("""
                import requests
                from flask import Flask
                from requests.adapters import HTTPAdapter
                from urllib3.util import Retry

                RETRY = ...

                app, http = Flask(__name__), requests.Session()
                http.mount("http://", HTTPAdapter(max_retries=RETRY))
                http.mount("https://", HTTPAdapter(max_retries=RETRY))
                http.get(url, timeout=1)
                """),
            at="http.get",
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
            "httpx is handed to stamina, which is to be installed",
            before="""
                import httpx as h


                def fares(url, query):
                    return h.get(url, params=query).json()
                """,
            after="""
                import httpx as h
                import stamina

                # What is safe to repeat is repeated, at most twice, after a growing, jittered pause.
                RETRY = stamina.RetryingCaller(
                    attempts=3, timeout=4.4, wait_initial=0.1, wait_jitter=0.1
                ).on(h.TransportError)


                def fares(url, query):
                    return RETRY(h.get, url, params=query, timeout=h.Timeout(0.25, connect=1.05)).json()
                """,
            at="h.get",
            again="RETRY(",
            known={"budget": 4.4},
        ),
        Case(
            "urllib, whose answers are errors",
            before="""
                from urllib.request import urlopen


                def fares(url):
                    with urlopen(
                        url,
                        timeout=1,
                    ) as answer:
                        return answer.read()
                """,
            after="""
                from urllib.request import urlopen

                import stamina


                def _passing(error):
                    \"""Whether there was no answer, or one that says that it passes.\"""
                    return isinstance(error, OSError) and getattr(error, "code", 503) in (502, 503, 504)


                # What is safe to repeat is repeated, at most once, after a growing, jittered pause.
                RETRY = stamina.RetryingCaller(
                    attempts=2, timeout=None, wait_initial=0.1, wait_jitter=0.1
                ).on(_passing)


                def fares(url):
                    with RETRY(
                        urlopen,
                        url,
                        timeout=1,
                    ) as answer:
                        return answer.read()
                """,
            at="urlopen(",
            again="RETRY(",
            known={"repeats": 1},
        ),
        Case(
            "urllib3 repeats by default: three times at once",
            before="""
                import urllib3

                pool = urllib3.PoolManager()
                pool.request('GET', url)
                """,
            after=_with_policy("""
                import urllib3
                from urllib3.util import Retry

                RETRY = ...

                pool = urllib3.PoolManager()
                pool.request('GET', url, timeout=1.05, retries=RETRY)
                """),
            at="pool.request",
        ),
        Case(
            "outside of a breaker",
            before="""
                import httpx
                from circuitbreaker import circuit


                @circuit(failure_threshold=5)
                def guarded(call, *args, **kwargs):
                    return call(*args, **kwargs)


                guarded(httpx.get, url, timeout=1)
                """,
            after="""
                import httpx
                import stamina
                from circuitbreaker import circuit

                # What is safe to repeat is repeated, at most twice, after a growing, jittered pause.
                RETRY = stamina.RetryingCaller(
                    attempts=3, timeout=None, wait_initial=0.1, wait_jitter=0.1
                ).on(httpx.TransportError)


                @circuit(failure_threshold=5)
                def guarded(call, *args, **kwargs):
                    return call(*args, **kwargs)


                RETRY(guarded, httpx.get, url, timeout=1)
                """,
            at="guarded(httpx",
            again="RETRY(guarded",
        ),
        Case(
            "an asynchronous client",
            before="import httpx\n\n\nasync def f(client: httpx.AsyncClient):\n    await client.get(url)\n",
            declined="asynchronous",
            at="client.get",
        ),
        Case(
            "http.client",
            before="import http.client\n\nc = http.client.HTTPConnection(host)\nc.getresponse()\n",
            declined="connection of its own",
            at="getresponse",
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
        text, spot = bounded(source, spot)
        module = Source(text)
        call = http_call(module, spot)
        refuse_retried(module, call)
        if isinstance(module.ancestors(call.node)[0], cst.Await):
            raise Declined("the call is asynchronous: give it to stamina's AsyncRetryingCaller")
        if call.library == "http.client":
            raise Declined("each attempt needs a connection of its own: make it, ask and read in one function")
        how = {"requests": by_adapter, "session": by_adapter, "urllib3": by_keyword}.get(call.library, by_caller)
        return module.splice(how(module, call, spot))

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each site, or session, where faults that a repetition can mend failed idempotent calls."""
        for calls in by_session(evidence):
            plan = planned(calls, evidence.deadline, STAMINA if calls[0].library in _OTHERS else URLLIB3)
            patterns = [pattern for call in plan.calls for pattern in call.patterns]
            yield from evidence.proposal(
                self,
                patterns,
                plan.calls[0].site,
                plan.spot or plan.refused(evidence.deadline),
                what=_what(plan),
                why=" ".join([summaries(patterns), *(told(call) for call in plan.calls if call.attempt.timeout)]),
                caution=_caution(plan),
            )


def _what(plan: Plan) -> str:
    stamina = plan.calls[0].library in _OTHERS
    first = "0.1-0.2 s" if stamina else "no pause"
    pauses = f"once, after {first}," if plan.often == 1 else f"at most twice, after {first} and then 0.2-0.3 s,"
    bounds = {call.attempt.timeout for call in plan.calls if call.attempt.timeout}
    timeouts = " and ".join(f"({connect:g}, {read:g})" for connect, read in sorted(bounds))
    bounded = (
        f" Each attempt gets the timeout that it lacks, {timeouts} s for connecting and reading." if bounds else ""
    )
    when = "resets and timeouts" if plan.calls[0].library == "httpx" else "resets, timeouts and 502/503/504"
    return f"Repeat the call {pauses} on {when}.{bounded}"


def _caution(plan: Plan) -> str:
    stamina = plan.calls[0].library in _OTHERS
    hanging = any(call.unbounded and call.attempt.timeout is None for call in plan.calls)
    first = "The call has no timeout: bound it first, or every repetition can hang. " if hanging else ""
    pauses = sum(STAMINA if stamina else URLLIB3)
    taken = f"three times the timeout plus {pauses:g} s" if plan.longest is None else f"{plan.worst or 0:g} s"
    return (
        f"{first}The worst wait is {taken}: keep it inside the caller's budget, and retry at one layer only. It does "
        f"not help an outage that lasts longer, nor a body that is cut short or garbled. {_PARTICULARS[stamina]}"
    )


_PARTICULARS = {
    False: (
        "When the attempts are used up a read timeout surfaces as requests.ConnectionError. A POST on the same "
        "session is repeated only where no connection was made at all. A bare call moves to a session that all "
        "threads share; tests that replace `requests.get` must replace the session's. The jitter needs urllib3 2."
    ),
    True: (
        "Only the call itself is made again, not what reads its answer later. stamina logs each repetition; "
        "`stamina.set_testing(True)` takes the pauses out of tests."
    ),
}
