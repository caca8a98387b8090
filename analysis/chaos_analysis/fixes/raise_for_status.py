"""An upstream's error status raised as what it is, where the code went on with the body and failed elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import libcst as cst

from chaos_analysis.fixes._calls import http_call
from chaos_analysis.fixes._evidence import method, summaries, wholes
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._named import REQUESTS, answer, inside
from chaos_analysis.fixes._source import Source
from chaos_analysis.fixes.unavailable import COVERED
from chaos_analysis.fixes.validate_body import ValidateBody

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.fixes._named import Answer
    from chaos_analysis.model import Pattern, Proposal

_CHECKS = ("raise_for_status", "status_code", "ok", "is_success", "is_error")
_LIBRARIES = (*REQUESTS, "httpx")
_RAISED = {"HTTPError", "HTTPStatusError"}  # by the check that is proposed


class RaiseForStatus(Fix):
    """Inserts `response.raise_for_status()` between a call of requests or httpx and the first use of its answer."""

    name = "raise_for_status"
    title = "Check the status of an HTTP answer"
    rescues = False
    mends = ("unchecked_body",)
    reference = (
        "Requests, Quickstart, Response Status Codes: "
        "https://requests.readthedocs.io/en/latest/user/quickstart/#response-status-codes; HTTPX, QuickStart, Response "
        "Status Codes: https://www.python-httpx.org/quickstart/#response-status-codes"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "the answer has a name",
            before="""
                import requests


                def fare(url):
                    answer = requests.get(url)  # live
                    return answer.json()['fare']
                """,
            after="""
                import requests


                def fare(url):
                    answer = requests.get(url)  # live
                    answer.raise_for_status()
                    return answer.json()['fare']
                """,
            at="requests.get",
        ),
        Case(
            "the answer has none",
            before="""
                import requests


                def fare(url):
                    # live
                    return requests.get(
                        url,
                    ).json()['fare']  # EUR
                """,
            after="""
                import requests


                def fare(url):
                    # live
                    response = requests.get(
                        url,
                    )
                    response.raise_for_status()
                    return response.json()['fare']  # EUR
                """,
            at="requests.get",
        ),
        Case(
            "the name is taken",
            before="""
                import requests as r


                def f(response):
                    data = r.get(response.url).json()
                    return data
                """,
            after="""
                import requests as r


                def f(response):
                    response_2 = r.get(response.url)
                    response_2.raise_for_status()
                    data = response_2.json()
                    return data
                """,
            at="r.get",
        ),
        Case(
            "a client of httpx",
            before="""
                import httpx

                client = httpx.Client(timeout=1)


                def rate(url):
                    return client.get(url).json()["rate"]
                """,
            after="""
                import httpx

                client = httpx.Client(timeout=1)


                def rate(url):
                    response = client.get(url)
                    response.raise_for_status()
                    return response.json()["rate"]
                """,
            at="client.get",
        ),
        Case(
            "it is checked",
            before="""
                import requests

                answer = requests.get(url)
                if answer.status_code == 404:
                    pass
                """,
            declined="checked",
            at="requests.get",
        ),
        Case(
            "httpx hands the checked answer on",
            before="""
                import httpx

                fares = httpx.get(url).raise_for_status().json()
                """,
            declined="checked",
            at="httpx.get",
        ),
        Case(
            "inside a larger expression",
            before="""
                import requests

                x = f(requests.get(url).json())
                """,
            declined="larger expression",
            at="requests.get",
        ),
        Case(
            "urllib raises by itself",
            before="""
                from urllib.request import urlopen

                urlopen(url)
                """,
            declined="urllib",
            at="urlopen(url)",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Check the status after the call, giving the answer a name where it has none."""
        module = Source(source)
        found = answer(module, spot, of=_LIBRARIES)
        _refuse_checked(module, found)
        if found.given:
            return module.splice([module.after(found.line, [f"{found.name}.raise_for_status()"])])
        (start, end), margin = module.span(found.call.node), module.indent(found.line)
        above = module.line_start(module.span(found.line)[0])
        named = [f"{found.name} = {source[start:end]}", f"{found.name}.raise_for_status()"]
        return module.splice(
            [(above, above, "".join(f"{margin}{each}{module.newline}" for each in named)), (start, end, found.name)]
        )

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each site whose error statuses left the app as another error, or as if all were well.

        None where `validate_body` has a patch, which looks at the status too.
        """
        checked = {(each.file, each.line) for each in ValidateBody().propose(evidence) if each.diff}
        for site, found in evidence.http_sites("dependency_error", "wrong_content"):
            surfaced = {pattern.id: _surfaced(evidence, pattern) for pattern in found if "http_error" in pattern.faults}
            patterns = [pattern for pattern in found if surfaced.get(pattern.id)]
            if not patterns or (site.file, site.line) in checked:
                continue
            names = ", ".join(sorted({name for pattern in patterns for name in surfaced[pattern.id]}))
            yield from evidence.proposal(
                self,
                patterns,
                site,
                Spot(line=site.line, method=method(patterns[0])),
                what="Call `raise_for_status()` on the answer before its body is used.",
                why=f"{summaries(patterns)} The upstream's error status surfaced as {names}.",
                failures=sum(evidence.due(each, _is_of_status) for each in wholes(patterns)),
                caution=(
                    "It does not raise the success rate by itself: the failure becomes requests.HTTPError or "
                    "httpx.HTTPStatusError, which an error handler can answer with 503 and a caller can tell from a "
                    "bug. Statuses from 400 on raise, and to httpx redirects that it does not follow: handle first "
                    "those that are an answer here. A body that is garbage under status 200 still needs its own check."
                ),
            )


def _surfaced(evidence: Evidence, pattern: Pattern) -> tuple[str, ...]:
    """As what an upstream's error status came out that nobody checked."""
    if pattern.finder == "wrong_content":
        return () if _in_try(evidence, pattern) else ("an answer that looks fine",)
    return tuple(sorted(set(evidence.errors_of(pattern, "http_error")) - COVERED - _RAISED))


def _is_of_status(rule: str, fault: str, asked: Mapping[str, Any]) -> bool:  # noqa: ARG001 - for `Evidence.due`
    return fault == "http_error"


def _in_try(evidence: Evidence, pattern: Pattern) -> bool:
    """Whether the call stands in a `try`, which would swallow the new error as it does the others."""
    text = evidence.sources.text(pattern.site.file) if pattern.site else None
    if text is None or pattern.site is None:
        return True
    source = Source(text)
    try:
        call = http_call(source, Spot(line=pattern.site.line, method=method(pattern)))
    except Declined:
        return True
    return any(isinstance(around, cst.Try) for around in source.ancestors(call.node))


def _refuse_checked(source: Source, found: Answer) -> None:
    """Raise where the answer's status is looked at in the function."""
    for node in source.find(cst.Attribute):
        if node.attr.value in _CHECKS and inside(source, node, found.scope):
            on = node.value
            if on is found.call.node or (found.given and source.code(on) == found.name):
                raise AlreadyThere("the status is checked")
