"""A timeout on an outbound HTTP call, from what its fault-free calls took."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes._calls import HttpCall, has_star, http_call, keyword
from chaos_analysis.fixes._edits import add_keyword, imported_as
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._layers import timeout
from chaos_analysis.fixes._source import Source, Splice

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chaos_analysis.fixes._bound import Bound
    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Pattern, Proposal, Site

_POSITION = {"urllib": 2, "http.client": 2}  # of `timeout` among the positional arguments


class HttpTimeout(Fix):
    """Adds `timeout=` to the call at the recorded site: (connect, read) for requests, one number for the others."""

    name = "http_timeout"
    title = "Bound the wait of an HTTP call"
    reference = (
        "Requests, Advanced Usage, Timeouts: https://requests.readthedocs.io/en/latest/user/advanced/#timeouts; "
        "Amazon Builders' Library, Timeouts, retries and backoff with jitter: "
        "https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "a plain call",
            before="""
                import requests

                answer = requests.get(url)
                """,
            after="""
                import requests

                answer = requests.get(url, timeout=(1.05, 0.25))
                """,
            at="requests.get",
        ),
        Case(
            "an alias, and a method chain that the call begins",
            before="""
                import requests as r


                def fares(url):
                    return r.get(url, params={}).json().get('fares')
                """,
            after="""
                import requests as r


                def fares(url):
                    return r.get(url, params={}, timeout=(1.05, 0.25)).json().get('fares')
                """,
            at="r.get",
        ),
        Case(
            "an imported name; the recorded line is one inside the call, the other arguments have a line and a "
            "comment each",
            before="""
                from requests import post

                post(
                    url,
                    json=order,  # checked
                )  # pay
                """,
            after="""
                from requests import post

                post(
                    url,
                    json=order,  # checked
                    timeout=(1.05, 0.25),
                )  # pay
                """,
            at="json=order",
            method="POST",
        ),
        Case(
            "a line each without a last comma",
            before="""
                import requests

                requests.get(
                    url,
                    params=p  # all
                )
                """,
            after="""
                import requests

                requests.get(
                    url,
                    params=p,  # all
                    timeout=(1.05, 0.25),
                )
                """,
            at="requests.get",
        ),
        Case(
            "arguments aligned below each other",
            before="""
                import requests

                x = requests.get(url,
                                 params=p)
                """,
            after="""
                import requests

                x = requests.get(url,
                                 params=p,
                                 timeout=(1.05, 0.25))
                """,
            at="requests.get",
        ),
        Case(
            "a line that would get too long",
            before="""
                import requests

                answer = requests.get(f'{base}/a/long/path/to/fares', params={'destinations': slugs})
                """,
            after="""
                import requests

                answer = requests.get(
                    f'{base}/a/long/path/to/fares',
                    params={'destinations': slugs},
                    timeout=(1.05, 0.25),
                )
                """,
            at="requests.get",
        ),
        Case(
            "a session that only the run can tell, beside a dictionary's get",
            before="""
                def fare(self, slug):
                    return self.session.get(self.paths.get(slug)).json()
                """,
            after="""
                def fare(self, slug):
                    return self.session.get(self.paths.get(slug), timeout=(1.05, 0.25)).json()
                """,
            at="session.get",
        ),
        Case(
            "urllib takes one number, for connecting and for reading",
            before="""
                from urllib.request import urlopen

                body = urlopen(url).read()
                """,
            after="""
                from urllib.request import urlopen

                body = urlopen(url, timeout=1.05).read()
                """,
            at="urlopen(url)",
            again="timeout=",
        ),
        Case(
            "http.client takes it where the connection is made",
            before="""
                import http.client

                c = http.client.HTTPConnection(host)
                c.request('GET', '/')
                answer = c.getresponse()
                """,
            after="""
                import http.client

                c = http.client.HTTPConnection(host, timeout=1.05)
                c.request('GET', '/')
                answer = c.getresponse()
                """,
            at="getresponse",
        ),
        Case(
            "a client of httpx, whose own default is 5 s",
            before="""
                import httpx

                http = httpx.Client()
                http.get(url)
                """,
            after="""
                import httpx

                http = httpx.Client()
                http.get(url, timeout=httpx.Timeout(0.25, connect=1.05))
                """,
            at="http.get",
        ),
        Case(
            "somebody else makes the call",
            before="import requests\n\npool.submit(requests.get, url)\n",
            after="import requests\n\npool.submit(requests.get, url, timeout=(1.05, 0.25))\n",
            at="pool.submit",
        ),
        Case(
            "an explicit None is replaced",
            before="""
                import requests

                requests.get(url, timeout=None)
                """,
            after="""
                import requests

                requests.get(url, timeout=(1.05, 0.25))
                """,
            at="requests.get",
        ),
        Case(
            "only connecting is bounded",
            before="import requests\n\nrequests.get(url, timeout=(3, None))\n",
            after="import requests\n\nrequests.get(url, timeout=(3, 0.25))\n",
            at="requests.get",
        ),
        Case(
            "a timeout is there",
            before="""
                import requests

                requests.get(url, timeout=3)
                """,
            declined="timeout",
            at="requests.get",
        ),
        Case(
            "it may be in there",
            before="""
                import requests

                requests.get(url, **options)
                """,
            declined="**",
            at="requests.get",
        ),
        Case(
            "two calls",
            before="""
                import requests as r

                r.get(a), r.get(b)
                """,
            declined="2 HTTP calls",
            at="r.get",
        ),
        Case(
            "another line than the run's",
            before="""
                import requests

                fetch(url)
                """,
            declined="no HTTP call",
            at="fetch",
        ),
        Case(
            "not Python",
            before="print 'x'\n",
            declined="parsed",
            at="print",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Add the timeout, or put it where None stands."""
        module = Source(source)
        call = http_call(module, spot)
        node = _taker(call)
        value = _value(module, call, *spot.timeout)
        given = keyword(node, "timeout")
        if given is not None and (unset := _unset(module, given.value, value, spot)):
            return module.splice(unset)
        if given is not None or len(node.args) - (node is call.node and call.handed) > _POSITION.get(call.library, 8):
            raise AlreadyThere("the call has a timeout")
        if star := has_star(node):
            raise Declined(f"the call unpacks arguments with {star}, and a timeout may be among them: add it there")
        return module.splice(add_keyword(module, node, f"timeout={value}"))

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each site whose calls have no timeout."""
        for site, patterns in evidence.http_sites("missing_timeout"):
            found = timeout(evidence, site)
            spot: Spot | str = found if isinstance(found, str) else _spot(found, site, method(patterns[0]))
            yield from evidence.proposal(
                self,
                patterns,
                site,
                spot,
                what=(
                    "Pass `timeout=(connect, read)` to the call, so that a slow or silent dependency costs a "
                    "bounded wait."
                ),
                why=f"{summaries(patterns)}{'' if isinstance(found, str) else _told(found, evidence.deadline)}",
                caution=_caution(patterns),
            )


def _value(source: Source, call: HttpCall, connect: float, read: float) -> str:
    """The timeouts as the library takes them."""
    if call.library in ("requests", "session"):
        return f"({connect:g}, {read:g})"
    if call.library == "httpx" and (name := imported_as(source, "httpx")):
        return f"{name}.Timeout({read:g}, connect={connect:g})"
    return f"{max(connect, read):g}"


def _unset(source: Source, given: cst.BaseExpression, value: str, spot: Spot) -> list[Splice]:
    """What to put where the timeout is an explicit None, or a pair with a None in it."""
    if source.code(given) == "None":
        return [(*source.span(given), value)]
    halves = given.elements if isinstance(given, cst.Tuple) else ()
    pairs = zip(halves, spot.timeout, strict=False)
    return [(*source.span(h.value), f"{seconds:g}") for h, seconds in pairs if source.code(h.value) == "None"]


def _spot(found: Bound, site: Site, verb: str) -> Spot:
    return Spot(line=site.line, method=verb, timeout=(found.connect, found.read))


def _told(found: Bound, deadline: float | None) -> str:
    """Where the figures are from, in sentences that follow others."""
    if deadline is None:
        return f" {found.told}"
    return f" {found.told} The client waits {deadline:g} s: keep the sum over all calls of one request below that."


def _caution(patterns: Sequence[Pattern]) -> str:
    caution = (
        "The figures are from this machine and this load: compare with production's before shipping. A timeout "
        "bounds each wait for bytes, not the whole answer. Calls that time out now raise, where they only took long "
        "before: handle that."
    )
    if any(method(pattern) not in ("GET", "HEAD", "OPTIONS") for pattern in patterns):
        caution += (
            " This call changes state: after a timeout nobody knows whether it did, so it must not simply be repeated."
        )
    return caution


def _taker(call: HttpCall) -> cst.Call:
    """The call that takes the timeout."""
    if call.library != "http.client":
        return call.node
    if call.maker is None:
        raise Declined("the connection is made elsewhere: give it `timeout=` there")
    return call.maker
