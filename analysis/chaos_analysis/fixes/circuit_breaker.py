"""A dependency that is down is not asked for a while: those who need it are told at once."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes import _answers
from chaos_analysis.fixes._callers import hand_in
from chaos_analysis.fixes._calls import http_call
from chaos_analysis.fixes._declare import annotates, bare, declare, imports, joined
from chaos_analysis.fixes._edits import MIN_WIDTH, free_name, imported_as
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._handlers import function_around
from chaos_analysis.fixes._layers import attempt
from chaos_analysis.fixes._outage import THRESHOLD, Outage, outage
from chaos_analysis.fixes._plans import bounded
from chaos_analysis.fixes._repeating import ERRORS
from chaos_analysis.fixes._source import Source
from chaos_analysis.wording import count, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._calls import HttpCall
    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Proposal
    from chaos_analysis.sources import Sources

RECOVERY = 10  # seconds at most; the library's own 30 are long for a service that comes back
_TIMES = 10  # of what a call waits: so that somebody waits for about a tenth of the time
_BASE = {"requests": "RequestException", "httpx": "HTTPError"}  # of the errors that a failing dependency raises
_GUARD = """
def {open}(*_: object, **__: object) -> {module}.Response:
    raise {module}.{error}("not asked: it was down less than {recovery} s ago")


@circuit(
    failure_threshold={threshold},
    recovery_timeout={recovery},
    expected_exception={errors},
    fallback_function={open},
)
def {guarded}(
    call: Callable[..., {module}.Response], *args: object, **kwargs: object
    ) -> {module}.Response:
    return call(*args, **kwargs)
"""


def _guard(library: str, recovery: int, names: tuple[str, str, str]) -> str:
    """What is declared, with annotations: `names` are those of the library's module and of the two functions."""
    module, refuse, guarded = names
    errors = [f"{module}.{error}" for error in ERRORS[library][1]]
    return _GUARD.format(
        open=refuse,
        guarded=guarded,
        module=module,
        error="ConnectionError" if library == "requests" else "ConnectError",
        errors=f"({', '.join(errors)})" if len(errors) > 1 else errors[0],
        threshold=THRESHOLD,
        recovery=recovery,
    )


def _with_guard(source: str, module: str = "requests", library: str = "requests", recovery: int = RECOVERY) -> str:
    """A case's source, in which `GUARD = ...` stands for what is declared."""
    guard = joined(bare(_guard(library, recovery, (module, "_not_asked", "_guarded"))).strip(), MIN_WIDTH)
    return dedent(source.removeprefix("\n")).replace("GUARD = ...", guard)


class CircuitBreaker(Fix):
    """Makes the call through a function with `@circuit`; while that is open, the library's own error is raised at once.

    So whatever handles the dependency's errors goes on doing so. Where nothing does, a handler answers 503.
    """

    name = "circuit_breaker"
    title = "Do not ask a dependency that is down"
    rescues = False
    mends = ("retry_storm",)
    reference = (
        "Microsoft, Azure Architecture, Circuit Breaker pattern: "
        "https://learn.microsoft.com/en-us/azure/architecture/patterns/circuit-breaker; circuitbreaker: "
        "https://pypi.org/project/circuitbreaker/"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "a bare call, whose error nobody handles",
            before="""
                import requests
                from flask import Flask

                app = Flask(__name__)


                @app.get('/')
                def stock():
                    return requests.get(URL, timeout=1).json()
                """,
            after=_with_guard("""
                import requests
                from circuitbreaker import circuit
                from flask import Flask


                GUARD = ...


                app = Flask(__name__)


                @app.errorhandler(requests.RequestException)
                def dependency_unavailable(error):
                    app.logger.error("A dependency failed", exc_info=error)
                    answer = {"error": "Unavailable for the moment."}
                    return answer, 503, {"Retry-After": "1"}


                @app.get('/')
                def stock():
                    return _guarded(requests.get, URL, timeout=1).json()
                """),
            at="requests.get",
            again="_guarded(requests",
        ),
        Case(
            "a session's call, whose error is handled there",
            before="""
                import requests as r

                http = r.Session()


                def stock():
                    try:
                        return http.get(
                            URL,
                            timeout=1,
                        ).json()
                    except r.RequestException:
                        return None
                """,
            after=_with_guard(
                """
                import requests as r
                from circuitbreaker import circuit


                GUARD = ...


                http = r.Session()


                def stock():
                    try:
                        return _guarded(
                            http.get,
                            URL,
                            timeout=1,
                        ).json()
                    except r.RequestException:
                        return None
                """,
                "r",
                recovery=3,
            ),
            at="http.get",
            again="return _guarded(",
            known={"recovery": 3},
        ),
        Case(
            "inside of what repeats it",
            before="""
                import httpx
                import stamina

                RETRY = stamina.RetryingCaller(attempts=3).on(httpx.TransportError)

                try:
                    answer = RETRY(httpx.get, URL, timeout=1)
                except httpx.HTTPError:
                    answer = None
                """,
            after=_with_guard(
                """
                import httpx
                import stamina
                from circuitbreaker import circuit


                GUARD = ...


                RETRY = stamina.RetryingCaller(attempts=3).on(httpx.TransportError)

                try:
                    answer = RETRY(_guarded, httpx.get, URL, timeout=1)
                except httpx.HTTPError:
                    answer = None
                """,
                "httpx",
                "httpx",
            ),
            at="RETRY(httpx",
            again="RETRY(_guarded",
        ),
        Case(
            "the function has a breaker",
            before="""
                import requests
                from circuitbreaker import circuit


                @circuit
                def stock():
                    return requests.get(URL, timeout=1)
                """,
            declined="breaker",
            at="requests.get",
        ),
        Case(
            "urllib, whose answers are errors too",
            before="from urllib.request import urlopen\n\nurlopen(URL)\n",
            declined="urllib",
            at="urlopen(URL)",
        ),
        Case(
            "without a limit the breaker would see nothing fail: the call gets the measured one",
            before="""
                import httpx

                answer = httpx.get(URL)
                """,
            after=_with_guard(
                """
                import httpx
                from circuitbreaker import circuit


                GUARD = ...


                answer = _guarded(httpx.get, URL, timeout=httpx.Timeout(0.25, connect=1.05))
                """,
                "httpx",
                "httpx",
            ),
            at="httpx.get",
            again="_guarded(httpx",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Guard the call, and answer its error where nothing does and the module makes the app."""
        after, unhandled = _guarded(source, spot)
        try:
            return _answers.answered(after, unhandled) if unhandled else after
        except Declined:
            return after

    def edits(self, sources: Sources, file: str, spot: Spot) -> dict[str, str]:
        """As `edit`, with the handler where the app's others are."""
        before = sources.text(file)
        if before is None:
            raise Declined(f"the run folder has no copy of {file}")
        after, unhandled = _guarded(before, spot)
        return _answers.with_handler(sources, {file: after}, file, unhandled) if unhandled else {file: after}

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each site whose calls failed in a row, each after its whole timeout."""
        finders = ("dependency_error", "missing_timeout", "head_of_line_blocking", "retry_storm", "no_fallback")
        for site, patterns in evidence.http_sites(*finders):
            down = outage(evidence, site)
            if down is None:
                continue
            once = attempt(evidence, site)
            recovery = max(1, min(RECOVERY, round(_TIMES * down.seconds)))
            yield from evidence.proposal(
                self,
                patterns,
                site,
                Spot(line=site.line, method=method(patterns[0]), timeout=once.timeout or (0.0, 0.0), recovery=recovery),
                what=(
                    f"After {THRESHOLD} failures in a row do not make the call for {recovery} s, and raise its error "
                    "at once; answer it with 503 where nothing does."
                ),
                why=f"{summaries(patterns)} {_told(down)}",
                caution=(
                    "It does not raise the success rate: what would have failed fails sooner, and the dependency has "
                    f"peace. For up to {recovery} s after it is back, requests fail that need not. Each process has a "
                    "breaker of its own, and this one is for this call alone. A repetition mounted on the session "
                    "stands inside of it: one failure for the breaker is the last attempt's. An error status is no "
                    f"failure to it.{_answers.missing(evidence.sources, tuple(_BASE.values()), site.file)}"
                ),
            )


def _told(down: Outage) -> str:
    return (
        f"Up to {count(down.row)} calls in a row failed here, each after its whole timeout: {count(down.spared)} were "
        f"made after the first {THRESHOLD} of a row, and waited {seconds(down.seconds)} in the median, for nothing."
    )


def _guarded(text: str, spot: Spot) -> tuple[str, _answers.Answer | None]:
    """The source with the guard, and what is to be answered because the call stands in no `try`."""
    text, spot = bounded(text, spot)
    source = Source(text)
    call = http_call(source, spot)
    library = "requests" if call.library == "session" else call.library
    _refuse_guarded(source, call)
    if library not in _BASE:
        raise Declined(f"the call is made with {library}, whose errors do not tell an outage from an answer")
    if call.maker is None and call.library == "session" and imported_as(source, "requests") is None:
        raise Declined("the session is made elsewhere, and this module does not know the class of its errors")
    module = imported_as(source, library) or library
    refuse, guarded = free_name(source, "_not_asked"), free_name(source, "_guarded")
    guard = _guard(library, spot.recovery, (module, refuse, guarded))
    wanted: list[tuple[str, ...]] = [("circuitbreaker", "circuit")]
    wanted += [] if imported_as(source, library) else [(library,)]
    if annotates(source, function_around(source, call.node)):
        wanted.append(("collections.abc", "Callable"))
    else:
        guard = bare(guard)
    splices = imports(source, hand_in(source, call, guarded), *wanted)
    caught = any(isinstance(around, cst.Try) for around in source.ancestors(call.node))
    answer = _answers.Answer((_BASE[library],), library, "dependency_unavailable", "A dependency failed")
    return source.splice([*splices, declare(source, guard)]), None if caught else answer


def _refuse_guarded(source: Source, call: HttpCall) -> None:
    guards = [node for node in source.ancestors(call.node) if isinstance(node, cst.FunctionDef)]
    makers = [source.code(by) for by in call.makers]
    guards += [node for node in source.find(cst.FunctionDef) if node.name.value in makers]
    for node in guards:
        for decorator in node.decorators:
            if source.code(decorator.decorator).partition("(")[0].rpartition(".")[2] == "circuit":
                raise AlreadyThere(f"{node.name.value} has a breaker")
