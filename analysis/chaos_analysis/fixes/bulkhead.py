"""At most so many calls of a dependency at a time: who gets no slot soon is told 503, and holds up nobody."""

from __future__ import annotations

import re
from dataclasses import replace
from textwrap import dedent
from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes._block import statement_of, within, withs
from chaos_analysis.fixes._calls import http_call, keyword
from chaos_analysis.fixes._concurrency import of_calls
from chaos_analysis.fixes._declare import annotates, bare, declare, imports
from chaos_analysis.fixes._edits import free_name
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._reads import on_flask, with_diff
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.fixes._source import Splice
    from chaos_analysis.model import Proposal

STORE = "_Bulkhead"
_HELD = re.compile(r"lock|mutex|semaphore|condition", re.IGNORECASE)
_RUN_BY = "submit", "map", "apply", "apply_async", "spawn"
_CLASS = '''
class _Bulkhead:
    """At most `slots` at a time; who gets none within `seconds` is told 503."""

    def __init__(self, slots: int, seconds: float = 0.1) -> None:
        self._slots = BoundedSemaphore(slots)
        self._seconds = seconds

    def __enter__(self) -> None:
        if not self._slots.acquire(timeout=self._seconds):
            raise ServiceUnavailable("Too many are waiting for it.", retry_after=1)

    def __exit__(self, *_: object) -> None:
        self._slots.release()
'''


def _with_class(source: str) -> str:
    """A case's source, in which `BULKHEAD = ...` stands for the class, as it is without annotations."""
    return dedent(source.removeprefix("\n")).replace("BULKHEAD = ...", bare(_CLASS).strip())


class Bulkhead(Fix):
    """Puts the call into a `with` that holds one of a few slots: a `threading.BoundedSemaphore`, tried for 0.1 s."""

    name = "bulkhead"
    title = "Bound how many wait for a dependency at a time"
    reference = (
        "Microsoft, Azure Architecture, Bulkhead pattern: "
        "https://learn.microsoft.com/en-us/azure/architecture/patterns/bulkhead; Python, threading, Semaphore objects: "
        "https://docs.python.org/3/library/threading.html#semaphore-objects"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "a call in a route, over several lines",
            before="""
                import requests
                from flask import Flask

                app = Flask(__name__)


                @app.get("/stock")
                def stock():
                    # live
                    return requests.get(
                        URL,  # bound
                        timeout=1,
                    ).json()
                """,
            after=_with_class("""
                from threading import BoundedSemaphore

                import requests
                from flask import Flask
                from werkzeug.exceptions import ServiceUnavailable


                BULKHEAD = ...


                STOCK_SLOTS = _Bulkhead(4)


                app = Flask(__name__)


                @app.get("/stock")
                def stock():
                    # live
                    with STOCK_SLOTS:
                        return requests.get(
                            URL,  # bound
                            timeout=1,
                        ).json()
                """),
            at="requests.get",
            known={"flask": True, "in_flight": 4},
        ),
        Case(
            "under a lock a limit is of no use",
            before="""
                import requests


                def stock():
                    with lock:
                        return requests.get(URL).json()
                """,
            declined="is held",
            at="requests.get",
            known={"flask": True, "in_flight": 4},
        ),
        Case(
            "nor in a pool of workers that others use",
            before="""
                import requests


                def stock():
                    return requests.get(URL).json()


                def page():
                    return POOL.submit(stock).result()
                """,
            declined="workers",
            at="requests.get",
            known={"flask": True, "in_flight": 4},
        ),
        Case(
            "a stream goes on when the statement is over",
            before="""
                import requests


                def stock():
                    return requests.get(URL, stream=True).iter_content()
                """,
            declined="stream",
            at="requests.get",
            known={"flask": True, "in_flight": 4},
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Put the statement into the `with`, and the class and its slots below the imports."""
        module = Source(source)
        call = http_call(module, spot)
        function = next((each for each in module.ancestors(call.node) if isinstance(each, cst.FunctionDef)), None)
        if function is None:
            raise Declined("the call is made once, when the module is imported")
        _refuse_held(module, call.node)
        _refuse_run_elsewhere(module, function)
        if keyword(call.node, "stream") is not None:
            raise Declined("the answer is read as a stream, which goes on when the call is over")
        if not spot.flask:
            raise Declined("the app is not one of Flask: answer 503 in the app's own way where no slot is free")
        statement = statement_of(module, call.node)
        slots = free_name(module, f"{function.name.value.strip('_').upper()}_SLOTS")
        there = any(node.name.value == STORE for node in module.find(cst.ClassDef))
        made = f"{slots} = {STORE}({spot.in_flight})"
        text = made if there else f"{_CLASS.strip()}\n\n\n{made}"
        splices: list[Splice] = [] if there else _imports(module)
        splices.append(declare(module, text if annotates(module, function) or there else bare(text)))
        return module.splice([*splices, *within(module, statement, f"with {slots}:")])

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each site whose slow calls hold up requests that do not make them."""
        for site, patterns in evidence.http_sites("head_of_line_blocking"):
            level = of_calls(evidence, site)
            spot: Spot | str = (
                level if isinstance(level, str) else Spot(in_flight=level.limit, flask=on_flask(evidence))
            )
            if isinstance(spot, Spot):
                spot = replace(spot, line=site.line, method=method(patterns[0]))
            proposals = evidence.proposal(
                self,
                patterns,
                site,
                spot,
                what=(
                    "Let at most so many calls of this dependency be under way at a time in each process; who gets no "
                    "slot within 0.1 s is answered 503 with Retry-After, and frees its thread for others."
                ),
                why=summaries(patterns) + ("" if isinstance(level, str) else f" {level.told}"),
                caution=(
                    "It turns waiting into refusals while the dependency is slow: those who ask for it get 503, the "
                    "others go on. The limit is from this machine and this load: compare with production's before "
                    "shipping. It must be below the number of the server's threads, or it bounds nothing; with gevent, "
                    "threading must be patched. Keep the call's timeout short, so that slots come back."
                ),
            )
            yield from with_diff(proposals)


def _refuse_held(source: Source, call: cst.Call) -> None:
    for _, entered in withs(source, call):
        if re.search(rf"^{re.escape(entered)} *(:[^=\n]*)?= *{STORE}\(", source.text, re.MULTILINE):
            raise AlreadyThere(f"the call holds a slot of {entered}")
        if _HELD.search(entered):
            raise Declined(
                f"the call is made while {entered} is held, which bounds it to one already: make it before or after"
            )


def _refuse_run_elsewhere(source: Source, function: cst.FunctionDef) -> None:
    """Raise where the function is run by workers of the app's own, which others need as well."""
    for call in source.find(cst.Call):
        ran = isinstance(call.func, cst.Attribute) and call.func.attr.value in _RUN_BY and call.args
        if ran and source.code(call.args[0].value).rpartition(".")[2] == function.name.value:
            raise Declined(
                f"{function.name.value} is run by workers of the app's own: give this dependency workers that nothing "
                "else uses, and bound how many may wait for them"
            )


def _imports(source: Source) -> list[Splice]:
    if STORE in source.names():
        raise Declined(f"the module has the name {STORE} for something else")
    return imports(source, (), ("threading", "BoundedSemaphore"), ("werkzeug.exceptions", "ServiceUnavailable"))
