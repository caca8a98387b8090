"""Retries with backoff for idempotent calls of requests and urllib3: urllib3's own."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, ClassVar

from chaos_analysis.fixes._fix import Case, Declined, Fix, Spot
from chaos_analysis.fixes._layers import URLLIB3
from chaos_analysis.fixes._plans import bounded, limits, planned, reasons, repetitions
from chaos_analysis.fixes._repeatable import by_session
from chaos_analysis.fixes._repeating import by_adapter, by_keyword, call_at, policy, refuse_unsafe
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Proposal


def _with_policy(source: str, repeats: int = 2) -> str:
    """A case's source, in which `RETRY = ...` stands for the whole declaration."""
    return dedent(source.removeprefix("\n")).replace("RETRY = ...", "\n".join(policy("RETRY", repeats)))


class Retry(Fix):
    """Mounts an adapter with `urllib3.Retry` on the session, or makes a session with one for a bare `requests.get`.

    Calls of urllib3 get it as `retries=`.
    """

    name = "retry"
    title = "Retry an idempotent HTTP call with backoff"
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
            "a POST",
            before="import requests\n\nrequests.post(url)\n",
            declined="POST",
            at="requests.post",
            method="POST",
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
            "http.client",
            before="import http.client\n\nc = http.client.HTTPConnection(host)\nc.getresponse()\n",
            declined="connection of its own",
            at="getresponse",
        ),
        Case(
            "another library",
            before="import httpx\n\nhttpx.get(url)\n",
            declined="no retries of its own",
            at="httpx.get",
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
        refuse_unsafe(spot)
        text, spot = bounded(source, spot)
        module = Source(text)
        call = call_at(module, spot)
        how = {"requests": by_adapter, "session": by_adapter, "urllib3": by_keyword}.get(call.library)
        if how is None:
            raise Declined(f"{call.library} has no retries of its own: hand the call to stamina")
        return module.splice(how(module, call, spot))

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each site, or session, where faults that urllib3 gets past failed idempotent calls."""
        for calls in by_session(evidence, stamina=False):
            plan = planned(calls, evidence.deadline, URLLIB3)
            yield from evidence.proposal(
                self,
                plan.patterns,
                plan.calls[0].site,
                plan.spot or plan.refused(evidence.deadline),
                what=repetitions(plan),
                why=reasons(plan),
                failures=plan.failures,
                caution=(
                    f"{limits(plan)} When the attempts are used up a read timeout surfaces as "
                    "requests.ConnectionError. A POST on the same session is repeated only where no connection was "
                    "made at all. A bare call moves to a session that all threads share; tests that replace "
                    "`requests.get` must replace the session's. The jitter needs urllib3 2."
                ),
            )
