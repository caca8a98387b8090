"""Retries with backoff for idempotent calls that are handed to stamina: on errors, those of reading a body included."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, ClassVar

from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._layers import STAMINA
from chaos_analysis.fixes._plans import bounded, limits, planned, reasons, repetitions
from chaos_analysis.fixes._repeatable import by_session
from chaos_analysis.fixes._repeating import by_caller, call_at, reads_body, refuse_handed, refuse_mounted, refuse_unsafe
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._calls import HttpCall
    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Proposal


def _with_caller(source: str, errors: str) -> str:
    """A case's source, in which `RETRY = ...` stands for the whole declaration."""
    return dedent(source.removeprefix("\n")).replace("RETRY = ...", _CALLER + errors + ")")


_CALLER = """\
# What is safe to repeat is repeated, at most twice, after a growing, jittered pause.
RETRY = stamina.RetryingCaller(
    attempts=3, timeout=None, wait_initial=0.1, wait_jitter=0.1
).on("""
_OF_REQUESTS = """
    (
        requests.ConnectionError,
        requests.Timeout,
        requests.exceptions.ChunkedEncodingError,
    )
"""


class RetryWithStamina(Fix):
    """Hands calls of httpx and urllib to a `stamina.RetryingCaller`, and those of requests where bodies are cut short.

    requests reads the body when urllib3's retries are over, so that none of them sees it break off.
    """

    name = "retry_with_stamina"
    title = "Hand an idempotent HTTP call to a caller that retries with backoff"
    leaves = ("wrong_content",)  # the error is hidden still, where it does not pass
    reference = (
        "stamina: https://stamina.hynek.me/en/stable/; Requests, Body Content Workflow: "
        "https://requests.readthedocs.io/en/latest/user/advanced/#body-content-workflow; "
        "RFC 9110, section 9.2.2, Idempotent Methods: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "two calls of one session, each with its timeout",
            before="""
                import requests


                class Client:
                    def __init__(self):
                        self.session = requests.Session()

                    def fares(self, url, query):
                        answer = self.session.get(url, params=query)
                        answer.raise_for_status()
                        return answer.json()

                    def seats(self, url):
                        return self.session.get(url).json()  # live
                """,
            after="""
                import requests
                import stamina

                # What is safe to repeat is repeated, at most twice, after a growing, jittered pause.
                RETRY = stamina.RetryingCaller(
                    attempts=3, timeout=4.4, wait_initial=0.1, wait_jitter=0.1
                ).on(
                    (
                        requests.ConnectionError,
                        requests.Timeout,
                        requests.exceptions.ChunkedEncodingError,
                    )
                )


                class Client:
                    def __init__(self):
                        self.session = requests.Session()

                    def fares(self, url, query):
                        answer = RETRY(self.session.get, url, params=query, timeout=(1.05, 0.25))
                        answer.raise_for_status()
                        return answer.json()

                    def seats(self, url):
                        return RETRY(self.session.get, url, timeout=(1.05, 0.4)).json()  # live
                """,
            at="self.session.get",
            again="RETRY(",
            known={"budget": 4.4, "also": (Spot(line=14, method="GET", timeout=(1.05, 0.4)),)},
        ),
        Case(
            "a bare call",
            before="""
                import requests


                def fares(url):
                    return requests.get(
                        url
                    ).json()
                """,
            after=_with_caller(
                """
                import requests
                import stamina

                RETRY = ...


                def fares(url):
                    return RETRY(
                        requests.get,
                        url,
                        timeout=(1.05, 0.25),
                    ).json()
                """,
                _OF_REQUESTS,
            ),
            at="requests.get",
            again="RETRY(",
        ),
        Case(
            "an imported function: its errors need the module",
            before="""
                from requests import get as fetch

                answer = fetch(url, timeout=1)
                """,
            after=_with_caller(
                """
                import requests
                import stamina
                from requests import get as fetch

                RETRY = ...

                answer = RETRY(fetch, url, timeout=1)
                """,
                _OF_REQUESTS,
            ),
            at="fetch(",
            again="RETRY(",
        ),
        Case(
            "a module under another name, and a session without one",
            before="""
                import requests as r

                answer = r.Session().get(url, stream=False, timeout=1)
                """,
            after=_with_caller(
                """
                import requests as r
                import stamina

                RETRY = ...

                answer = RETRY(r.Session().get, url, stream=False, timeout=1)
                """,
                "(r.ConnectionError, r.Timeout, r.exceptions.ChunkedEncodingError)",
            ),
            at="r.Session()",
            again="RETRY(",
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
            "another thread makes it",
            before="import requests as r\n\nfutures = [pool.submit(r.get, url, timeout=1) for url in urls]\n",
            after=_with_caller(
                """
                import requests as r
                import stamina

                RETRY = ...

                futures = [pool.submit(RETRY, r.get, url, timeout=1) for url in urls]
                """,
                "(r.ConnectionError, r.Timeout, r.exceptions.ChunkedEncodingError)",
            ),
            at="pool.submit",
        ),
        Case(
            "the body is read after the call",
            before="""
                import requests

                with requests.get(url, stream=True) as answer:
                    lines = list(answer.iter_lines())
                """,
            declined="read after the call",
            at="requests.get",
        ),
        Case(
            "the session has retries already",
            before="import requests\n\ns = requests.Session()\ns.mount('https://', adapter)\ns.get(url)\n",
            declined="mounts an adapter",
            at="s.get",
        ),
        Case(
            "made elsewhere",
            before="import requests\n\n\ndef f(session: requests.Session):\n    session.get(url)\n",
            declined="made elsewhere",
            at="session.get(",
        ),
        Case(
            "it is tried again by hand",
            before="import httpx\n\nfor attempt in range(3):\n    answer = httpx.get(url)\n",
            declined="loop",
            at="httpx.get",
        ),
        Case(
            "a POST",
            before="import httpx\n\nhttpx.post(url)\n",
            declined="POST",
            at="httpx.post",
            method="POST",
        ),
        Case(
            "an asynchronous client",
            before="import httpx\n\n\nasync def f(client: httpx.AsyncClient):\n    await client.get(url)\n",
            declined="asynchronous",
            at="client.get",
        ),
        Case(
            "a library that repeats by itself",
            before="import urllib3\n\nurllib3.request('GET', url)\n",
            declined="retries=",
            at="urllib3.request",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Set the timeouts that are lacking, and hand the calls over, declaring who makes them below the imports."""
        refuse_unsafe(spot)
        text, spot = bounded(source, spot)
        module = Source(text)
        first, *also = _calls(module, spot)
        return module.splice(by_caller(module, first, spot, also=also, whole=True))

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each site, or session, where faults that raise an error failed idempotent calls."""
        for calls in by_session(evidence, stamina=True):
            plan = planned(calls, evidence.deadline, STAMINA)
            told = "" if "http_error" in plan.covered else " An error status is an answer, and is not repeated."
            yield from evidence.proposal(
                self,
                plan.patterns,
                plan.calls[0].site,
                plan.spot or plan.refused(evidence.deadline),
                what=repetitions(plan),
                why=reasons(plan),
                failures=plan.failures,
                caution=(
                    f"{limits(plan)}{told} Only the call itself is made again, not what reads its answer later. "
                    "stamina logs each repetition; `stamina.set_testing(True)` takes the pauses out of tests."
                ),
            )


def _calls(source: Source, spot: Spot) -> list[HttpCall]:
    """The calls at the spot that are not handed over yet; raises `Declined` where one of them must not be."""
    found: dict[int, HttpCall] = {}
    there: AlreadyThere | None = None
    for each in (spot, *spot.also):
        try:
            call = _call(source, each)
            found.setdefault(source.span(call.node)[0], call)
        except AlreadyThere as done:
            there = done
    if there is not None and not found:
        raise there
    return list(found.values())


def _call(source: Source, spot: Spot) -> HttpCall:
    call = call_at(source, spot)
    refuse_handed(source, call)
    if call.library == "urllib3":
        raise Declined("urllib3 repeats by itself: give it `retries=`")
    if call.library in ("requests", "session"):
        refuse_mounted(source, call)
        if not reads_body(source, call):
            raise Declined("the body may be read after the call: what reads it must be repeated with it")
    return call
